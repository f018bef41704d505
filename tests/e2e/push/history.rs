//! Clients that come back and get what they missed: in memory, on Redis Streams and on `JetStream`.

use serde_json::{Value, json};
use switchyard_testkit::{Gateway, Handshake, Peer};

use super::bus::{Fleet, Server};
use super::{by_path, publish};
use crate::support::{Ends, Stage};

const KEPT: &str = "push: { history: [{ prefix: \"room.\", messages: 5, age: 1h }] }";

/// The next message, which is JSON.
#[track_caller]
fn next(client: &mut Peer) -> Value {
    serde_json::from_str(&client.receive_text()).expect("JSON")
}

/// A message with this text, and its id.
#[track_caller]
fn expect(client: &mut Peer, text: &str) -> String {
    let message = next(client);
    assert_eq!(message["channel"], "room.1", "{message}");
    assert_eq!(message["data"], text, "{message}");
    message["id"].as_str().expect("an id").to_owned()
}

/// The marker behind what was missed, and its id.
#[track_caller]
fn expect_marker(client: &mut Peer, recovered: u64, gap: bool) -> String {
    let marker = next(client);
    assert_eq!(marker["recovered"], recovered, "{marker}");
    assert_eq!(marker["gap"], gap, "{marker}");
    assert_eq!(marker["channel"], "room.1", "{marker}");
    marker["id"].as_str().expect("an id").to_owned()
}

/// One client goes and comes back, to wherever `open` leads it, and what is published goes by `gateway`.
fn recovery(gateway: &Gateway, mut open: impl FnMut(&Handshake) -> Ends) {
    let plain = Handshake::to("/room.1");
    let mut first = open(&plain);
    expect_marker(&mut first.client, 0, false);
    publish(gateway, "room.1", "one");
    let id = expect(&mut first.client, "one");
    drop(first);
    for text in ["two", "three"] {
        publish(gateway, "room.1", text);
    }
    // By the query, by the header, and for its channel alone.
    let returns = [
        Handshake::to(&format!("/room.1?last_message_id={id}")),
        plain.clone().with("Last-Message-Id", &id),
        Handshake::to(&format!("/room.1?last_message_id=room.1@{id}")),
    ];
    for handshake in &returns {
        let mut back = open(handshake);
        expect(&mut back.client, "two");
        let last = expect(&mut back.client, "three");
        assert_eq!(expect_marker(&mut back.client, 2, false), last);
    }
    let mut back = open(&returns[0]);
    for text in ["two", "three"] {
        expect(&mut back.client, text);
    }
    expect_marker(&mut back.client, 2, false);
    for number in 0..6 {
        publish(gateway, "room.1", &format!("more {number}"));
        expect(&mut back.client, &format!("more {number}"));
    }
    back.talk();
    // More than is kept.
    let mut late = open(&returns[0]);
    for number in 1..6 {
        expect(&mut late.client, &format!("more {number}"));
    }
    expect_marker(&mut late.client, 5, true);
}

#[test]
fn in_memory() {
    let stage = Stage::with(|settings| by_path(settings).top(KEPT));
    recovery(&stage.gateway, |handshake| stage.open_as(handshake));
}

/// Published by one replica, read at the other.
fn over(server: Server) {
    let fleet = Fleet::new(server, 2, KEPT);
    recovery(&fleet.gateways[0], |handshake| fleet.open_as(1, handshake));
}

#[test]
fn on_redis_streams() {
    over(Server::redis());
}

#[test]
fn on_jetstream() {
    over(Server::nats());
}

#[test]
fn a_binary_message_is_told_in_base64() {
    let stage = Stage::with(|settings| by_path(settings).top(KEPT));
    let mut ends = stage.open_at("/room.1");
    expect_marker(&mut ends.client, 0, false);
    let body = json!({ "channel": "room.1", "base64": "AP8=" });
    super::said(&super::post(&stage.gateway, "/publish", &body), 200);
    let message = next(&mut ends.client);
    assert_eq!(message["base64"], "AP8=", "{message}");
}
