//! Operators at noon: reload after reload under the constant traffic of real clients. Nobody's message is lost
//! or comes twice, nobody is cut off who was not asked to go, and every session has one end.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use switchyard_testkit::{Certificate, Endpoint, Gateway, Process, clients, eventually};

use crate::support::BINARY;

/// Reloads of a good configuration.
const RELOADS: usize = 50;

/// Messages that go through between one and the next.
const BETWEEN: u64 = 200;

/// What a reload may change, each for itself.
#[derive(Clone, Copy, Default)]
struct Turn {
    number: usize,
}

impl Turn {
    /// Whether the part that is changed in every `every`th turn is the other one now.
    fn is_other(self, every: usize) -> bool {
        self.number / every % 2 == 1
    }

    fn yaml(self, endpoints: &[Endpoint]) -> String {
        let here = if self.is_other(5) {
            &endpoints[..2]
        } else {
            endpoints
        };
        let endpoints = here
            .iter()
            .map(|it| format!("{{ address: \"{}\" }}", it.address()));
        let endpoints = endpoints.collect::<Vec<_>>().join(", ");
        let limit = if self.is_other(1) { "1MiB" } else { "2MiB" };
        let pings = if self.is_other(2) {
            ", ping_interval: 1s"
        } else {
            ""
        };
        let balancer = if self.is_other(3) {
            "least_sessions"
        } else {
            "maglev"
        };
        let more = if self.is_other(4) {
            ", { cert: 1.crt, key: 1.key }"
        } else {
            ""
        };
        let route = "{ name: aside, match: { path_prefix: /aside }, cluster: main }";
        let aside = if self.is_other(2) {
            format!("\n  - {route}")
        } else {
            String::new()
        };
        format!(
            r#"
workers: 2
listeners:
  - {{ name: web, address: "127.0.0.1:0", max_connections: {connections} }}
  - name: safe
    address: "127.0.0.1:0"
    tls: {{ certificates: [{{ cert: 0.crt, key: 0.key }}{more}] }}
routes:{aside}
  - name: main
    match: {{ path_prefix: / }}
    cluster: main
    websocket: {{ max_message: {limit}{pings} }}
clusters:
  - {{ name: main, endpoints: [{endpoints}], balancer: {balancer}, on_removed: drain }}
drain: {{ ready_delay: 0s, over: 200ms, deadline: 20s }}
reload: {{ watch: off }}
admin: {{ address: "127.0.0.1:0" }}
"#,
            connections = 10_000 + self.number,
        )
    }
}

fn messages(gateway: &Gateway) -> u64 {
    let metrics = gateway.metrics();
    let labels = [("direction", "from_upstream")];
    metrics.count("switchyard_messages_total", &labels)
}

#[track_caller]
fn wait_traffic(gateway: &Gateway) {
    let before = messages(gateway);
    eventually("messages to go on", || {
        (messages(gateway) >= before + BETWEEN).then_some(())
    });
}

fn stop(mut clients: Process) -> Value {
    clients.signal(Signal::TERM);
    let status = clients.wait_exit();
    let last = clients.stdout().to_end().pop().unwrap_or_default();
    assert!(status.success(), "{clients} {last}");
    last["totals"].clone()
}

#[test]
fn reloads_under_traffic_surprise_nobody() {
    let endpoints = ["a", "b", "c"].map(Endpoint::named);
    let certificates = [
        Certificate::of(&["localhost"]),
        Certificate::of(&["more.example"]),
    ];
    let folder = tempfile::TempDir::new().expect("a folder");
    for (index, it) in certificates.iter().enumerate() {
        fs::write(folder.path().join(format!("{index}.crt")), &it.pem).expect("a file");
        fs::write(folder.path().join(format!("{index}.key")), &it.key).expect("a file");
    }
    let config = folder.path().join("switchyard.yaml");
    let write = |yaml: &str| {
        fs::write(folder.path().join("next"), yaml).expect("a file");
        fs::rename(folder.path().join("next"), &config).expect("a file in its place");
    };
    write(&Turn::default().yaml(&endpoints));
    let mut gateway = Gateway::start_at(BINARY, &config);
    let plain = format!("ws://{}/", gateway.web());
    let safe = format!("wss://localhost:{}/", gateway.address("safe").port());
    let trusted = folder.path().join("0.crt");
    let trusted = trusted.to_str().expect("a path");
    let all = [
        clients::start("rolling_ws.mjs", &[&plain, "40"]),
        clients::start("rolling_ws.mjs", &[&safe, "20", trusted]),
        clients::start("rolling_websockets.py", &[&plain, "20"]),
        clients::start("rolling_browser.mjs", &[&plain, "10"]),
    ];
    for clients in &all {
        clients
            .stdout()
            .wait_for("ready", |line| line["ready"] == true);
    }
    for number in 1..=RELOADS {
        if number % 10 == 0 {
            write("listeners: [");
            gateway.hang_up();
            let refused = "not reloaded: the configuration before it is still in use";
            gateway.records(number / 10, refused);
        }
        write(&Turn { number }.yaml(&endpoints));
        gateway.hang_up();
        gateway.records(number, "reloaded");
        wait_traffic(&gateway);
    }
    let totals: Vec<_> = all.into_iter().map(stop).collect();
    gateway.wait_metric(
        "switchyard_sessions",
        &[("route", "main"), ("protocol", "h1")],
        0,
    );
    let metrics = gateway.metrics();
    gateway.terminate();
    gateway.wait_exit();
    let mut closed = BTreeMap::new();
    let mut opened = 0;
    for totals in &totals {
        opened += totals["opened"].as_u64().expect("a number");
        for (code, count) in totals["closed"].as_object().expect("a table") {
            *closed.entry(code.clone()).or_insert(0) += count.as_u64().expect("a number");
        }
    }
    // Who was asked to go was asked because its endpoint had left.
    let asked = [("reason", "endpoint_left"), ("code", "1012")];
    let asked = metrics.count("switchyard_session_closes_total", &asked);
    assert_eq!(
        closed.keys().collect::<Vec<_>>(),
        ["1000", "1012"],
        "{totals:?}"
    );
    assert_eq!(closed["1012"], asked, "{totals:?}");
    assert!(asked > 0, "{totals:?}");
    assert_eq!(
        metrics.count("switchyard_session_closes_total", &[]),
        opened
    );
    assert_eq!(
        metrics.count("switchyard_handshakes_total", &[("result", "accepted")]),
        opened
    );
}
