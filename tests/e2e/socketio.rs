//! Socket.IO over three endpoints that do not know one another. A client polls first, over several
//! requests, and then upgrades: all of it must reach the endpoint that knows the client.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::Value;
use switchyard_testkit::{Process, Settings, clients};

use crate::support::gateway;

const CLIENTS: usize = 9;

struct Endpoints {
    #[expect(dead_code, reason = "they live as long as this does")]
    processes: Vec<Process>,
    addresses: Vec<SocketAddr>,
}

impl Endpoints {
    fn start() -> Self {
        let names = ["a", "b", "c"];
        let serve = |name| clients::serve("socketio_endpoint.mjs", &[name]);
        let (processes, addresses) = names.map(serve).into_iter().unzip();
        Self {
            processes,
            addresses,
        }
    }
}

/// Runs clients through a gateway with this affinity; returns the client's last line.
#[track_caller]
fn run(affinity: &str, headers: &str) -> Value {
    let endpoints = Endpoints::start();
    let settings = Settings::to(&endpoints.addresses).cluster("balancer: random");
    let gateway = gateway(&settings.route(&format!("affinity: {affinity}")));
    let url = format!("http://{}", gateway.web());
    clients::run(
        "socketio_client.mjs",
        &[&url, &CLIENTS.to_string(), headers],
    )
}

/// The endpoint of each client, all of which must have been served.
#[track_caller]
fn served(result: &Value) -> Vec<&str> {
    assert_eq!(result.get("refused"), None, "{result}");
    let names: Vec<_> = result["served"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(names.len(), CLIENTS);
    names
}

/// How many endpoints took part.
fn distinct(names: &[&str]) -> usize {
    names.iter().collect::<BTreeSet<_>>().len()
}

#[test]
fn fails_without_affinity() {
    let result = run("[]", "{}");
    assert!(
        result["refused"].is_string(),
        "random endpoints cannot serve it: {result}"
    );
}

#[test]
fn an_issued_cookie_keeps_each_client_on_its_endpoint() {
    let result = run("[{ issued_cookie: { name: SYAFF, secure: false } }]", "{}");
    assert!(
        distinct(&served(&result)) > 1,
        "all on one endpoint: {result}"
    );
}

#[test]
fn a_header_keeps_each_client_on_its_endpoint() {
    let result = run("[{ header: x-user-id }]", r#"{"x-user-id": "user-{n}"}"#);
    assert!(
        distinct(&served(&result)) > 1,
        "all on one endpoint: {result}"
    );
}

#[test]
fn the_client_address_keeps_a_machine_on_one_endpoint() {
    let result = run("[client_address]", "{}");
    assert_eq!(distinct(&served(&result)), 1, "{result}");
}
