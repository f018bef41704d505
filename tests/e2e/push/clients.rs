//! Real clients under constant traffic with a real endpoint, and messages published into it.

use serde_json::Value;
use switchyard_testkit::{Gateway, Process, Settings, clients};

use super::{by_path, publish, wait_subscribed};
use crate::support::gateway;

/// Messages that are published.
const MESSAGES: u64 = 200;

/// Publishes to all sessions of a client, and returns what it says it got.
#[track_caller]
fn into(gateway: &Gateway, client: &Process, sessions: u64) -> Value {
    client
        .stdout()
        .wait_for("ready", |line| line["ready"] == true);
    wait_subscribed(gateway, "room", sessions);
    for number in 0..MESSAGES {
        publish(gateway, "room", &format!("push:{number}"));
    }
    publish(gateway, "room", "push:end");
    let line = client
        .stdout()
        .wait_for("its totals", |line| line["totals"].is_object());
    line["totals"].clone()
}

#[track_caller]
fn check(script: &str, compression: &str) {
    let sessions = 4;
    let (_server, address) = clients::serve("ws_endpoint.mjs", &[compression]);
    let gateway = gateway(&by_path(Settings::to(&[address])));
    let url = format!("ws://{}/room", gateway.web());
    let client = clients::start(script, &[&url, &sessions.to_string(), compression]);
    let totals = into(&gateway, &client, sessions);
    let pushed = totals["pushed"].as_array().expect("a list");
    assert_eq!(pushed.len(), 4);
    assert!(pushed.iter().all(|count| *count == MESSAGES), "{totals}");
    assert!(totals["echoed"].as_u64().expect("a number") > 0, "{totals}");
    let extensions = totals["extensions"].as_array().expect("a list");
    let is_compressed = |it: &Value| it.as_str().expect("text").starts_with("permessage-deflate");
    assert!(
        extensions
            .iter()
            .all(|it| is_compressed(it) == (compression == "on")),
        "{totals}"
    );
}

#[test]
fn ws() {
    check("push_ws.mjs", "off");
}

#[test]
fn ws_compressed() {
    check("push_ws.mjs", "on");
}

#[test]
fn websockets() {
    check("push_websockets.py", "off");
}

#[test]
fn websockets_compressed() {
    check("push_websockets.py", "on");
}

#[test]
fn chromium_compressed() {
    check("push_browser.mjs", "on");
}
