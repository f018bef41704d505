//! Node's HTTP/2 client with `ws` on its streams, and `ws` behind the gateway.

use std::net::SocketAddr;

use serde_json::{Value, json};
use switchyard_testkit::{Gateway, Process, Settings, clients};

use super::foreign::{over_tls, trusted, with_websockets};
use crate::support::gateway;

const CLIENT: &str = "http2_node_client.mjs";
const ENDPOINT: &str = "ws_endpoint.mjs";

/// What a client says of two rounds of ten sockets with forty messages each.
fn conversed(extensions: &str) -> Value {
    let codes = [1000, 1001, 3000, 4001, 4999].repeat(2);
    json!({ "echoed": 800, "codes": codes, "extensions": extensions })
}

/// The codes that the endpoint had of `count` sessions, from the least.
#[track_caller]
fn closed(server: &Process, count: usize) -> Vec<u64> {
    let lines = server
        .stdout()
        .wait_for_many(count, "their ends", |line| line["closed"].is_u64());
    let mut codes: Vec<_> = lines
        .iter()
        .filter_map(|line| line["closed"].as_u64())
        .collect();
    codes.sort_unstable();
    codes
}

/// Every session was a stream, on one connection, and has ended.
#[track_caller]
fn counted(gateway: &Gateway, sessions: u64, messages: u64) {
    let labels = [("route", "main"), ("protocol", "h2")];
    gateway.wait_metric("switchyard_sessions", &labels, 0);
    let metrics = gateway.metrics();
    let closed = metrics.count("switchyard_session_seconds_count", &labels);
    assert_eq!(closed, sessions);
    let connections = metrics.count("switchyard_listener_connections_total", &[]);
    assert_eq!(connections, 1);
    for direction in ["from_downstream", "from_upstream"] {
        let labels = [("direction", direction)];
        let seen = metrics.count("switchyard_messages_total", &labels);
        assert_eq!(seen, messages, "{direction}");
    }
}

fn by_prior_knowledge(endpoint: SocketAddr) -> (Gateway, String) {
    let settings = Settings::to(&[endpoint]).listener("http2: on");
    let gateway = gateway(&with_websockets(settings));
    let url = format!("http://{}", gateway.web());
    (gateway, url)
}

#[test]
fn messages_pings_and_close_codes_pass() {
    let (server, address) = clients::serve(ENDPOINT, &["off"]);
    let (gateway, url) = by_prior_knowledge(address);
    assert_eq!(clients::run(CLIENT, &[&url, "off"]), conversed(""));
    let codes = [1000, 1001, 3000, 4001, 4999].map(|code| [code; 4]);
    assert_eq!(closed(&server, 20), codes.concat());
    counted(&gateway, 20, 800);
}

#[test]
fn compressed_messages_pass_over_tls() {
    let (server, address) = clients::serve(ENDPOINT, &["on"]);
    let gateway = over_tls(address, with_websockets);
    let url = format!("https://localhost:{}", gateway.web().port());
    let seen = clients::run(CLIENT, &[&url, "on", &trusted(&gateway)]);
    assert_eq!(seen, conversed("permessage-deflate"));
    let opened = server
        .stdout()
        .wait_for("a session", |line| line["opened"] == true);
    assert_eq!(opened["extensions"], "permessage-deflate");
    counted(&gateway, 20, 800);
}

#[test]
fn a_client_that_destroys_its_connection_leaves_no_session() {
    let (server, address) = clients::serve(ENDPOINT, &["off"]);
    let (gateway, url) = by_prior_knowledge(address);
    let seen = clients::run(CLIENT, &[&url, "leave", "50"]);
    assert_eq!(seen, json!({ "echoed": 2000, "codes": vec![1006; 50] }));
    assert_eq!(closed(&server, 50), [1006; 50]);
    let records = gateway.records(50, "session closed");
    let gone = |record: &Value| record["initiator"] == "downstream" && record["code"] == 1006;
    assert!(records.iter().all(gone), "{records:?}");
    counted(&gateway, 50, 2000);
}
