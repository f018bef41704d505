//! Where a message lands, and who gets it: one process, no bus but its own.

use serde_json::json;
use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Handshake, Peer};

use super::{by_path, names, post, publish, said};
use crate::support::Stage;

fn stage() -> Stage {
    Stage::with(by_path)
}

/// Waits for all that the endpoint sent before, by a message of its own.
#[track_caller]
fn meet(server: &mut Peer, client: &mut Peer) {
    server.send_text("here");
    assert_eq!(client.receive_text(), "here");
}

#[test]
fn who_is_subscribed_gets_it_and_no_other() {
    let stage = stage();
    let mut first = stage.open_at("/a");
    let mut second = stage.open_at("/a");
    let mut other = stage.open_at("/b");
    publish(&stage.gateway, "a", "hello");
    assert_eq!(first.client.receive_text(), "hello");
    assert_eq!(second.client.receive_text(), "hello");
    publish(&stage.gateway, "b", "you");
    assert_eq!(other.client.receive_text(), "you");
    for ends in [&mut first, &mut second, &mut other] {
        ends.talk();
    }
    let bus = [("bus", "memory")];
    let gateway = &stage.gateway;
    gateway.wait_metric("switchyard_push_published_total", &bus, 2);
    gateway.wait_metric("switchyard_push_delivered_total", &bus, 3);
    gateway.wait_metric("switchyard_push_lag_seconds_count", &bus, 3);
    gateway.wait_metric("switchyard_push_subscriptions", &[], 3);
    drop((first, second, other));
    gateway.wait_metric("switchyard_push_subscriptions", &[], 0);
}

#[test]
fn it_lands_between_messages_and_not_between_the_frames_of_one() {
    let stage = stage();
    let mut ends = stage.open_at("/a");
    let [begins, ends_it] = [Frame::text("be").unfinished(), Frame::continuation("gun")];
    ends.server.send(&begins);
    assert_eq!(ends.client.receive(), begins);
    publish(&stage.gateway, "a", "hello");
    // Control frames may come between, and a Ping that comes shows that the message did not.
    ends.server.send(&Frame::ping("?"));
    assert_eq!(ends.client.receive(), Frame::ping("?"));
    ends.server.send(&ends_it);
    assert_eq!(ends.client.receive(), ends_it);
    assert_eq!(ends.client.receive(), Frame::text("hello"));
    ends.talk();
}

#[test]
fn it_lands_behind_the_part_of_a_frame_that_is_on_its_way() {
    let stage = stage();
    let mut ends = stage.open_at("/a");
    let frame = Frame::binary(vec![7; 100_000]);
    let bytes = ends.server.encode(&frame);
    let (begin, rest) = bytes.split_at(40_000);
    ends.server.socket().send(begin);
    ends.client.socket().receive_vec(30_000);
    publish(&stage.gateway, "a", "hello");
    stage
        .gateway
        .wait_metric("switchyard_push_published_total", &[("bus", "memory")], 1);
    ends.server.socket().send(rest);
    ends.client.socket().receive_vec(bytes.len() - 30_000);
    assert_eq!(ends.client.receive_text(), "hello");
}

#[test]
fn it_is_not_compressed_where_others_are() {
    let stage = stage();
    let mut ends = stage.open_compressed_at("/a");
    // RFC 7692 section 7.2.3.1: "Hello".
    let compressed =
        Frame::new(opcode::TEXT, *b"\xf2\x48\xcd\xc9\xc9\x07\x00").with_reserved(0b100);
    ends.server.send(&compressed);
    assert_eq!(ends.client.receive(), compressed);
    publish(&stage.gateway, "a", "hello");
    assert_eq!(ends.client.receive(), Frame::text("hello"));
    ends.server.send(&compressed);
    assert_eq!(ends.client.receive(), compressed);
}

#[test]
fn a_binary_message_to_several_channels_but_for_one_session() {
    let stage = stage();
    let mut excluded = stage.open_at("/a");
    let mut first = stage.open_at("/a");
    let mut second = stage.open_at("/b");
    let body =
        json!({ "channels": ["a", "b"], "base64": "AP8B", "exclude": names(&stage.gateway)[0] });
    let answer = said(&post(&stage.gateway, "/publish", &body), 200);
    assert_eq!(
        answer["channels"].as_array().map(Vec::len),
        Some(2),
        "{answer}"
    );
    let frame = Frame::binary(vec![0, 255, 1]);
    assert_eq!(first.client.receive(), frame);
    assert_eq!(second.client.receive(), frame);
    excluded.talk();
}

#[test]
fn an_id_is_delivered_once_in_a_channel() {
    let stage = stage();
    let mut a = stage.open_at("/a");
    let mut b = stage.open_at("/b");
    for (channel, text) in [("a", "first"), ("a", "again"), ("b", "other")] {
        let body = json!({ "channel": channel, "text": text, "id": "order-17" });
        said(&post(&stage.gateway, "/publish", &body), 200);
    }
    assert_eq!(a.client.receive_text(), "first");
    assert_eq!(b.client.receive_text(), "other");
    a.talk();
    let dropped = [("bus", "memory"), ("reason", "duplicate")];
    stage
        .gateway
        .wait_metric("switchyard_push_dropped_total", &dropped, 1);
}

#[test]
fn an_endpoint_subscribes_its_session_and_the_client_does_not_see_it() {
    let stage = Stage::with(|settings| settings);
    let socket = Handshake::to("/").send(stage.gateway.web());
    let fields = [
        ("Switchyard-Channels", "a, user:7"),
        ("Switchyard-Channels", "b"),
    ];
    let mut server = stage.endpoint.accept_websocket_with(&fields);
    let mut client = switchyard_testkit::handshake::finish(socket);
    assert!(client.head().get("switchyard-channels").is_none());
    for channel in ["a", "user:7", "b"] {
        publish(&stage.gateway, channel, channel);
        assert_eq!(client.receive_text(), channel);
    }
    meet(&mut server, &mut client);
}
