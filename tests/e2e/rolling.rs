//! Operators at noon: reload after reload, and one binary after the other, under the constant traffic of real
//! clients. Nobody's message is lost or comes twice, nobody is cut off who was not asked to go, and every
//! session has one end.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use switchyard_testkit::{Certificate, Endpoint, Gateway, Process, clients, eventually};
use tempfile::TempDir;

use crate::support::BINARY;
use crate::upgrade::{Successor, fail_to_upgrade, upgrade};

/// Reloads of a good configuration.
const RELOADS: usize = 50;

/// Upgrades of the binary, with an attempt before each that fails.
const UPGRADES: usize = 3;

const REFUSED: &str = "not reloaded: the configuration before it is still in use";

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

/// A gateway with its clients and its endpoints.
struct Noon {
    gateway: Gateway,
    folder: TempDir,
    endpoints: [Endpoint; 3],
    /// Over plain sockets.
    plain: Vec<Process>,
    /// Over TLS.
    safe: Process,
}

impl Noon {
    /// With every client's sessions open.
    fn new() -> Self {
        let endpoints = ["a", "b", "c"].map(Endpoint::named);
        let folder = TempDir::new().expect("a folder");
        let certificates = [["localhost"], ["more.example"]].map(|names| Certificate::of(&names));
        for (index, it) in certificates.iter().enumerate() {
            fs::write(folder.path().join(format!("{index}.crt")), &it.pem).expect("a file");
            fs::write(folder.path().join(format!("{index}.key")), &it.key).expect("a file");
        }
        let config = folder.path().join("switchyard.yaml");
        fs::write(&config, Turn::default().yaml(&endpoints)).expect("a file");
        let gateway = Gateway::start_at(BINARY, &config);
        let plain = format!("ws://{}/", gateway.web());
        let safe = format!("wss://localhost:{}/", gateway.address("safe").port());
        let trusted = folder.path().join("0.crt");
        let trusted = trusted.to_str().expect("a path");
        // One after the other: traffic leaves the start of a browser little of a small machine.
        let begin = |script: &str, arguments: &[&str]| {
            let clients = clients::start(script, arguments);
            let ready = |line: &Value| line["ready"] == true;
            clients.stdout().wait_for("ready", ready);
            clients
        };
        Self {
            plain: vec![
                begin("rolling_browser.mjs", &[&plain, "10"]),
                begin("rolling_websockets.py", &[&plain, "20"]),
                begin("rolling_ws.mjs", &[&plain, "40"]),
            ],
            safe: begin("rolling_ws.mjs", &[&safe, "20", trusted]),
            gateway,
            folder,
            endpoints,
        }
    }

    fn write(&self, yaml: &str) {
        let next = self.folder.path().join("next");
        fs::write(&next, yaml).expect("a file");
        fs::rename(next, self.folder.path().join("switchyard.yaml")).expect("a file in its place");
    }

    fn turn(&self, number: usize) {
        self.write(&Turn { number }.yaml(&self.endpoints));
    }

    /// Lets some messages go through.
    #[track_caller]
    fn wait_traffic(&self) {
        // Another process counts anew.
        let mut before = messages(&self.gateway);
        eventually("messages to go on", || {
            let now = messages(&self.gateway);
            before = before.min(now);
            (now >= before + BETWEEN).then_some(())
        });
    }

    /// Waits until the process that serves now has every client's sessions.
    #[track_caller]
    fn wait_all(&self) {
        let all = [("route", "main"), ("protocol", "h1")];
        self.gateway.wait_metric("switchyard_sessions", &all, 90);
    }

    /// Has the process `last` leave while messages go through, and says what became of the sessions: those over plain
    /// sockets, and the others.
    fn drain(&mut self, last: &Successor) -> [Tally; 2] {
        self.wait_all();
        for clients in self.plain.iter().chain([&self.safe]) {
            clients.signal(Signal::USR2);
            let told = |line: &Value| line["leaving"] == true;
            clients.stdout().wait_for("that they leave", told);
        }
        last.signal(Signal::TERM);
        self.tally()
    }

    /// Has the clients go, and says what became of their sessions: those over plain sockets, and the others.
    fn stop(&mut self) -> [Tally; 2] {
        for clients in self.plain.iter().chain([&self.safe]) {
            clients.signal(Signal::TERM);
        }
        self.tally()
    }

    /// What the clients say at their end.
    fn tally(&mut self) -> [Tally; 2] {
        let mut plain = Tally::default();
        for clients in &mut self.plain {
            plain.add(&ended(clients));
        }
        let mut safe = Tally::default();
        safe.add(&ended(&mut self.safe));
        [plain, safe]
    }
}

/// What became of sessions, as their clients saw it.
#[derive(Debug, Default)]
struct Tally {
    opened: u64,
    /// By code.
    closed: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, totals: &Value) {
        self.opened += totals["opened"].as_u64().expect("a number");
        for (code, count) in totals["closed"].as_object().expect("a table") {
            *self.closed.entry(code.clone()).or_default() += count.as_u64().expect("a number");
        }
    }

    fn closed(&self, code: &str) -> u64 {
        self.closed.get(code).copied().unwrap_or_default()
    }

    /// Nobody was cut off.
    #[track_caller]
    fn check(&self) {
        let closed = self.closed("1000") + self.closed("1012");
        assert_eq!(closed, self.closed.values().sum::<u64>(), "{self:?}");
        assert_eq!(closed, self.opened, "{self:?}");
    }
}

fn ended(clients: &mut Process) -> Value {
    let status = clients.wait_exit();
    let last = clients.stdout().to_end().pop().unwrap_or_default();
    assert!(status.success(), "{clients} {last}");
    last["totals"].clone()
}

#[test]
fn reloads_under_traffic_surprise_nobody() {
    let mut noon = Noon::new();
    for number in 1..=RELOADS {
        if number % 10 == 0 {
            noon.write("listeners: [");
            noon.gateway.hang_up();
            noon.gateway.records(number / 10, REFUSED);
        }
        noon.turn(number);
        noon.gateway.hang_up();
        noon.gateway.records(number, "reloaded");
        noon.wait_traffic();
    }
    let [plain, safe] = noon.stop();
    plain.check();
    safe.check();
    let all = [("route", "main"), ("protocol", "h1")];
    noon.gateway.wait_metric("switchyard_sessions", &all, 0);
    let metrics = noon.gateway.metrics();
    // Who was asked to go was asked because its endpoint had left.
    let asked = [("reason", "endpoint_left"), ("code", "1012")];
    let asked = metrics.count("switchyard_session_closes_total", &asked);
    assert!(asked > 0, "{plain:?} {safe:?}");
    assert_eq!(plain.closed("1012") + safe.closed("1012"), asked);
    let opened = plain.opened + safe.opened;
    assert_eq!(
        metrics.count("switchyard_session_closes_total", &[]),
        opened
    );
    let accepted = [("result", "accepted")];
    assert_eq!(
        metrics.count("switchyard_handshakes_total", &accepted),
        opened
    );
}

#[test]
fn upgrades_and_reloads_under_traffic_surprise_nobody() {
    let mut noon = Noon::new();
    let mut successors: Vec<Successor> = Vec::new();
    for number in 1..=UPGRADES {
        let id = successors.last().map_or(noon.gateway.id(), |it| it.id);
        noon.write("listeners: [");
        assert!(fail_to_upgrade(id).contains("not upgraded"));
        noon.turn(10 * number);
        let successor = upgrade(id);
        noon.wait_all();
        noon.wait_traffic();
        // The second part of a turn is one of limits alone.
        noon.turn(10 * number + 1);
        successor.signal(Signal::HUP);
        noon.gateway.records(number, "reloaded");
        noon.wait_traffic();
        successors.push(successor);
    }
    noon.gateway.wait_exit();
    let last = successors.pop().expect("there were some");
    let [plain, safe] = noon.drain(&last);
    plain.check();
    safe.check();
    // Of those over plain sockets none ended before the last process left.
    assert_eq!((plain.opened, plain.closed("1012")), (70, 70), "{plain:?}");
    // TLS does not move: these sessions were asked to come again, by each process that left.
    let processes = u64::try_from(UPGRADES).expect("a few") + 1;
    assert_eq!(safe.closed("1012"), 20 * processes, "{safe:?}");
    last.wait_end();
    let opened = usize::try_from(plain.opened + safe.opened).expect("a few");
    for records in ["session opened", "session closed"] {
        assert_eq!(noon.gateway.records(opened, records).len(), opened);
    }
}
