//! What an endpoint says of a session's channels, and is told of its name.

use std::process::Command;

use switchyard_testkit::{Handshake, handshake};

use crate::support::{BINARY, Ends, Stage};

fn stage() -> Stage {
    Stage::with(|settings| {
        settings
            .route("channels: [\"room:{query.room}\"]")
            .top("push: { session_header: X-Session-Id, channels_per_session: 2 }")
    })
}

#[test]
fn an_endpoint_is_told_the_name_that_the_gateway_gives_the_session() {
    let stage = stage();
    let forging = Handshake::to("/?room=7").with("X-Session-Id", "forged");
    let Ends { client, server } = stage.open_as(&forging);
    let names = server.head().all("x-session-id");
    let [name] = names.as_slice() else {
        panic!("{names:?}");
    };
    let (replica, number) = name.split_once('-').expect("a replica and a number");
    let is_digit = |digit: char| digit.is_ascii_hexdigit() && !digit.is_uppercase();
    assert!(
        replica.len() == 12 && replica.chars().all(is_digit),
        "{name}"
    );
    assert_eq!(
        stage.gateway.records(1, "session opened")[0]["session"],
        number
    );
    assert_eq!(client.head().get("x-session-id"), None);
}

#[test]
fn what_an_endpoint_says_of_channels_is_for_the_gateway_alone() {
    let stage = stage();
    let socket = Handshake::to("/?room=7").send(stage.gateway.web());
    let said = [("Switchyard-Channels", "user:1, user:2")];
    let _server = stage.endpoint.accept_websocket_with(&said);
    let client = handshake::finish(socket);
    assert_eq!(client.head().get("switchyard-channels"), None);
    stage.gateway.log().wait_for("a warning", |line| {
        line["level"] == "WARN" && line["too_many"].is_string()
    });
    stage
        .gateway
        .wait_metric("switchyard_push_subscriptions", &[], 2);
}

#[test]
fn explain_shows_the_channels() {
    let stage = stage();
    let config = stage.gateway.config();
    let output = Command::new(BINARY)
        .args(["explain", "--config"])
        .arg(config)
        .arg("ws://chat.example.com/?room=a/b")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("channel    room:a%2Fb\n"), "{text}");
}
