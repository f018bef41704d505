//! Real WebSocket implementations on both ends: `ws` in node and `websockets` in python, with and
//! without compression, messages from nothing to 16 MiB.

use serde_json::Value;
use switchyard_testkit::{Settings, clients};

use crate::support::gateway;

fn extension(compression: &str) -> &str {
    if compression == "on" {
        "permessage-deflate"
    } else {
        ""
    }
}

/// Echoes every size through the gateway and closes with a code of the application's.
#[track_caller]
fn echo(client: &str, endpoint: &str, compression: &str) {
    let (server, address) = clients::serve(endpoint, &[compression]);
    // Noise grows a little when it is compressed, and 16 MiB is the limit unless set.
    let settings = Settings::to(&[address])
        .websocket("max_message: 17MiB")
        .websocket("max_frame: 17MiB");
    let gateway = gateway(&settings);
    let url = format!("ws://{}/echo", gateway.web());
    let result = clients::run(client, &[&url, compression]);
    assert_eq!(result["echoed"], 18);
    assert_eq!(result["code"], 4001);
    assert_eq!(result["subprotocol"], "chat.v2");
    assert_eq!(result["extensions"], extension(compression));
    let seen = server
        .stdout()
        .wait_for("its close", |line| line["closed"].is_u64());
    assert_eq!(
        (&seen["closed"], &seen["reason"]),
        (&Value::from(4001), &Value::from("done"))
    );
    let record = gateway.closed();
    assert_eq!(record["code"], 4001, "{record}");
    assert_eq!(record["initiator"], "downstream", "{record}");
    let sent = record["messages_from_downstream"].as_u64().unwrap();
    assert!(sent >= 18, "{record}");
    assert_eq!(record["messages_from_upstream"], sent, "{record}");
}

#[test]
fn ws_to_ws() {
    echo("ws_client.mjs", "ws_endpoint.mjs", "off");
}

#[test]
fn ws_to_ws_compressed() {
    echo("ws_client.mjs", "ws_endpoint.mjs", "on");
}

#[test]
fn ws_to_websockets() {
    echo("ws_client.mjs", "websockets_endpoint.py", "off");
}

#[test]
fn ws_to_websockets_compressed() {
    echo("ws_client.mjs", "websockets_endpoint.py", "on");
}

#[test]
fn websockets_to_ws() {
    echo("websockets_client.py", "ws_endpoint.mjs", "off");
}

#[test]
fn websockets_to_ws_compressed() {
    echo("websockets_client.py", "ws_endpoint.mjs", "on");
}

#[test]
fn websockets_to_websockets() {
    echo("websockets_client.py", "websockets_endpoint.py", "off");
}

#[test]
fn websockets_to_websockets_compressed() {
    echo("websockets_client.py", "websockets_endpoint.py", "on");
}
