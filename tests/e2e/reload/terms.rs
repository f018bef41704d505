//! Limits and timers of a route change for the sessions that it has.

use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Endpoint, Frame, Settings};

use super::asked;
use crate::support::Stage;

fn stage() -> (Stage, Settings) {
    let endpoint = Endpoint::bind();
    let settings = asked(Settings::to(&[endpoint.address()]));
    (Stage::of(endpoint, &settings), settings)
}

#[test]
fn a_smaller_limit_holds_for_the_next_message() {
    let (stage, settings) = stage();
    let mut session = stage.open();
    session.client.send_text(&"x".repeat(2_000));
    assert_eq!(session.server.receive_text().len(), 2_000);
    let said = stage
        .gateway
        .reload(&settings.websocket("max_message: 1KiB"), 1);
    assert_eq!(
        (&said["adopting"], &said["closing"]),
        (&1.into(), &0.into())
    );
    session.talk();
    session.client.send_text(&"x".repeat(2_000));
    assert_eq!(session.client.receive_close().0, 1009);
    assert_eq!(stage.gateway.closed()["reason"], "message_too_big");
}

#[test]
fn a_larger_limit_lets_the_next_message_through() {
    let endpoint = Endpoint::bind();
    let settings = asked(Settings::to(&[endpoint.address()]));
    let stage = Stage::of(endpoint, &settings.clone().websocket("max_message: 1KiB"));
    let mut session = stage.open();
    stage.gateway.reload(&settings, 1);
    session.client.send_text(&"x".repeat(2_000));
    assert_eq!(session.server.receive_text().len(), 2_000);
}

#[test]
fn an_idle_timeout_begins_to_hold() {
    let (stage, settings) = stage();
    let mut session = stage.open();
    session.talk();
    stage
        .gateway
        .reload(&settings.websocket("idle_timeout: 50ms"), 1);
    assert_eq!(session.client.receive_close().0, 1001);
    assert_eq!(stage.gateway.closed()["reason"], "idle_timeout");
}

#[test]
fn pings_begin_and_end() {
    let (stage, settings) = stage();
    let mut session = stage.open();
    let pinged = settings.clone().websocket("ping_interval: 50ms");
    stage.gateway.reload(&pinged, 1);
    let ping = session.client.receive();
    assert_eq!(ping.opcode, opcode::PING);
    stage.gateway.reload(&settings, 2);
    session.client.send(&Frame::pong(ping.payload));
    session.client.send_text("here");
    // The Pong was the gateway's own, and goes no further although nobody is pinged any more.
    let first =
        std::iter::repeat_with(|| session.server.receive()).find(|it| it.opcode != opcode::PING);
    assert_eq!(first.map(|it| it.payload), Some(b"here".to_vec()));
}

#[test]
fn a_life_that_is_over_ends_within_the_jitter() {
    let (stage, settings) = stage();
    let mut session = stage.open();
    session.talk();
    stage.gateway.reload(
        &settings.websocket("max_lifetime: { after: 1s, jitter: 1% }"),
        1,
    );
    assert_eq!(session.client.receive_close().0, 1001);
    assert_eq!(stage.gateway.closed()["reason"], "max_lifetime");
}

#[test]
fn the_next_drain_goes_as_the_configuration_says_then() {
    let (stage, settings) = stage();
    let mut session = stage.open();
    let close = "close: { code: 4001, reason: moved }";
    let said = stage.gateway.reload(&settings.drain(close), 1);
    assert_eq!(said["unchanged"], 1);
    stage.gateway.terminate();
    assert_eq!(session.client.receive_close(), (4001, "moved".to_owned()));
}
