//! Sides that are quiet are asked whether they are there, and sessions do not live for ever.

use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Peer, clients};

use crate::support::{Stage, gateway};

/// A stage whose gateway asks soon.
fn asking(more: &str) -> Stage {
    Stage::with(|settings| {
        settings
            .websocket("ping_interval: 100ms")
            .websocket(&format!("pong_timeout: {more}"))
    })
}

/// The next Ping of the gateway's own.
#[track_caller]
fn ping(peer: &mut Peer) -> Frame {
    let ping = peer.receive();
    assert_eq!(ping.opcode, opcode::PING);
    ping
}

#[track_caller]
fn answer(peer: &mut Peer) {
    let asked = ping(peer);
    peer.send(&Frame::pong(asked.payload));
}

#[test]
fn a_quiet_side_is_asked_and_its_answer_goes_no_further() {
    let stage = asking("20s");
    let mut ends = stage.open();
    answer(&mut ends.client);
    answer(&mut ends.server);
    // Neither has heard of the other's Pong: what comes next is what was said.
    ends.talk();
    let pings = |side| [("route", "main"), ("side", side), ("result", "answered")];
    for side in ["downstream", "upstream"] {
        let labels = pings(side);
        switchyard_testkit::eventually("an answer", || {
            let metrics = stage.gateway.metrics();
            (metrics.count("switchyard_pings_total", &labels) > 0).then_some(())
        });
    }
    let metrics = stage.gateway.metrics();
    let rtt = [("route", "main"), ("side", "downstream")];
    assert!(metrics.count("switchyard_ping_rtt_seconds_count", &rtt) > 0);
    drop(ends);
    let record = stage.gateway.closed();
    assert!(record["last_ping_rtt_ms_downstream"].as_f64().is_some());
}

#[test]
fn a_client_that_answers_nothing_is_given_up_and_the_endpoint_is_told() {
    let stage = asking("200ms");
    let mut ends = stage.open();
    // The endpoint says something all the time; of the client nothing is heard.
    let (code, reason) = loop {
        let frame = ends.server.receive();
        match frame.opcode {
            opcode::PING => ends.server.send(&Frame::pong(frame.payload)),
            opcode::CLOSE => break (frame.closing().0, frame.closing().1.to_owned()),
            other => panic!("opcode {other}"),
        }
    };
    assert_eq!((code, &*reason), (1001, "ping_timeout"));
    ends.server.send(&Frame::close(1001, ""));
    ends.server.socket().finish();
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], "gateway");
    assert_eq!(record["reason"], "ping_timeout");
    let labels = [("side", "downstream"), ("result", "timeout")];
    stage
        .gateway
        .wait_metric("switchyard_pings_total", &labels, 1);
}

#[test]
fn an_endpoint_that_answers_nothing_is_given_up_and_the_client_comes_again() {
    let stage = asking("200ms");
    let mut ends = stage.open();
    let code = loop {
        let frame = ends.client.receive();
        match frame.opcode {
            opcode::PING => ends.client.send(&Frame::pong(frame.payload)),
            opcode::CLOSE => break frame.closing().0,
            other => panic!("opcode {other}"),
        }
    };
    assert_eq!(code, 1012);
    ends.client.send(&Frame::close(1012, ""));
    ends.client.socket().finish();
    assert_eq!(stage.gateway.closed()["reason"], "ping_timeout");
}

#[test]
fn pings_of_the_peers_pass() {
    let stage = asking("20s");
    let mut ends = stage.open();
    ends.client.send(&Frame::ping("of the client"));
    let passed = loop {
        let frame = ends.server.receive();
        if frame.payload == b"of the client" {
            break frame;
        }
        ends.server.send(&Frame::pong(frame.payload));
    };
    assert_eq!(passed.opcode, opcode::PING);
    ends.server.send(&Frame::pong("of the client"));
    let answered = loop {
        let frame = ends.client.receive();
        if frame.opcode == opcode::PONG {
            break frame;
        }
        ends.client.send(&Frame::pong(frame.payload));
    };
    assert_eq!(answered.payload, b"of the client");
}

#[test]
fn real_clients_and_servers_answer_by_themselves() {
    let (_server, address) = clients::serve("websockets_endpoint.py", &["on"]);
    let settings = switchyard_testkit::Settings::to(&[address])
        .websocket("ping_interval: 50ms")
        .websocket("pong_timeout: 20s")
        .websocket("max_message: 17MiB")
        .websocket("max_frame: 17MiB");
    let gateway = gateway(&settings);
    let url = format!("ws://{}/echo", gateway.web());
    let seen = clients::run("ws_client.mjs", &[&url, "on"]);
    assert_eq!(seen["code"], 4001);
    assert_eq!(gateway.closed()["code"], 4001);
    let labels = [("result", "timeout")];
    let metrics = gateway.metrics();
    assert_eq!(metrics.count("switchyard_pings_total", &labels), 0);
}

#[test]
fn a_session_that_has_lived_long_enough_is_asked_to_go() {
    let stage = Stage::with(|settings| {
        settings.websocket("max_lifetime: { after: 200ms, close: { code: 4003, reason: age } }")
    });
    let mut ends = stage.open();
    for peer in [&mut ends.client, &mut ends.server] {
        assert_eq!(peer.receive_close(), (4003, "age".to_owned()));
    }
    for mut peer in [ends.client, ends.server] {
        peer.send(&Frame::close(4003, ""));
        peer.socket().finish();
    }
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], "gateway");
    assert_eq!(record["reason"], "max_lifetime");
    assert_eq!(record["code"], 4003);
}
