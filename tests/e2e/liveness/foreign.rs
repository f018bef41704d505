//! Real implementations answer Pings by themselves: `ws` and `websockets`, on either end, with and
//! without compression.

use switchyard_testkit::{Settings, clients};

use super::{OFTEN, await_answers, with};
use crate::support::gateway;

/// Both ends answer while a message goes each way, and neither sees anything that it does not expect.
#[track_caller]
fn answer(client: &str, endpoint: &str, compression: &str) {
    let (server, address) = clients::serve(endpoint, &[compression]);
    let gateway = gateway(&with(Settings::to(&[address]), &OFTEN));
    let url = format!("ws://{}/echo", gateway.web());
    let client = clients::start(client, &[&url, compression]);
    client
        .stdout()
        .wait_for("the echo", |line| line["echoed"] == 10_000);
    await_answers(&gateway, 5);
    drop(client);
    let record = gateway.closed();
    assert_eq!(record["initiator"], "downstream", "{record}");
    for side in ["downstream", "upstream"] {
        let rtt = &record[format!("last_ping_rtt_ms_{side}")];
        assert!(rtt.as_f64().is_some_and(|rtt| rtt > 0.0), "{record}");
    }
    assert_eq!(record["messages_from_upstream"], 1, "{record}");
    let said = server.stdout().so_far();
    assert!(said.iter().all(|line| line["error"].is_null()), "{said:?}");
}

#[test]
fn large_messages_pass_between_pings() {
    let (_server, address) = clients::serve("websockets_endpoint.py", &["on"]);
    let limits = ["max_message: 17MiB", "max_frame: 17MiB"];
    let gateway = gateway(&with(with(Settings::to(&[address]), &OFTEN), &limits));
    let url = format!("ws://{}/echo", gateway.web());
    let seen = clients::run("ws_client.mjs", &[&url, "on"]);
    assert_eq!(seen["code"], 4001);
    assert_eq!(gateway.closed()["code"], 4001);
    let timeouts = [("result", "timeout")];
    assert_eq!(
        gateway.metrics().count("switchyard_pings_total", &timeouts),
        0
    );
}

#[test]
fn ws_to_ws() {
    answer("ws_stays.mjs", "ws_endpoint.mjs", "off");
}

#[test]
fn ws_to_websockets_compressed() {
    answer("ws_stays.mjs", "websockets_endpoint.py", "on");
}

#[test]
fn websockets_to_ws_compressed() {
    answer("websockets_stays.py", "ws_endpoint.mjs", "on");
}

#[test]
fn websockets_to_websockets() {
    answer("websockets_stays.py", "websockets_endpoint.py", "off");
}
