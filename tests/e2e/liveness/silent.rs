//! Sides that give no sign of life, and sides that only seem to.

use std::io::Write as _;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Gateway, Handshake, Peer, Settings, Socket, clients, handshake};

use super::{receive, stage, with};
use crate::support::{Ends, Stage, gateway};

/// Long enough for a peer that a busy machine holds up, short enough to wait for.
const SOON: [&str; 2] = ["ping_interval: 50ms", "pong_timeout: 3s"];

/// How long a writer must be held up to count as held up. Too short only makes the flood smaller.
const HELD_UP: Duration = Duration::from_millis(300);

/// More than all the kernel buffers on the way can hold.
const FLOOD: usize = 64 << 20;

/// The record of the session that a silent side has ended.
#[track_caller]
fn silenced(gateway: &Gateway, side: &str) -> Value {
    let record = gateway.closed();
    assert_eq!(record["initiator"], "gateway", "{record}");
    assert_eq!(record["reason"], "ping_timeout", "{record}");
    assert_eq!(record["code"], 1006, "{record}");
    assert_eq!(record["silent_side"], side, "{record}");
    let labels = [("route", "main"), ("side", side), ("result", "timeout")];
    gateway.wait_metric("switchyard_pings_total", &labels, 1);
    gateway.wait_metric("switchyard_sessions", &[("route", "main")], 0);
    record
}

/// Answers Pings until the gateway says goodbye, and answers that.
#[track_caller]
fn hear_out(peer: &mut Peer) -> (u16, String) {
    let frame = receive(peer);
    let (code, reason) = frame.closing();
    peer.send(&Frame::close(code, ""));
    (code, reason.to_owned())
}

#[test]
fn a_silent_client_is_dropped_and_its_endpoint_told() {
    let stage = stage(&SOON);
    let Ends { client, mut server } = stage.open();
    assert_eq!(hear_out(&mut server), (1001, "ping_timeout".to_owned()));
    server.expect_end();
    drop(server);
    silenced(&stage.gateway, "downstream");
    drop(client);
}

#[test]
fn a_silent_endpoint_is_dropped_and_its_client_told_to_come_again() {
    // One is enough here: it has ended a session badly.
    let once = "outlier: { consecutive_failures: 1, eject_for: 1h, max_ejected: 100% }";
    let stage = Stage::with(|settings| with(settings, &SOON).cluster(once));
    let Ends { mut client, server } = stage.open();
    assert_eq!(hear_out(&mut client), (1012, "endpoint lost".to_owned()));
    client.expect_end();
    drop(client);
    silenced(&stage.gateway, "upstream");
    let ejections = "switchyard_endpoint_ejections_total";
    stage
        .gateway
        .wait_metric(ejections, &[("reason", "bad_end")], 1);
    drop(server);
}

#[test]
fn a_silent_client_is_dropped_in_the_middle_of_its_frame() {
    let stage = stage(&SOON);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let half = client.encode(&Frame::text("half of this"));
    client.socket().send(&half[..10]);
    // The frame is not over, so there is no room for a Close, nor for a Ping to the endpoint.
    let (bytes, _) = server.socket().drain();
    assert_eq!(bytes.len(), 10);
    drop(server);
    silenced(&stage.gateway, "downstream");
    drop(client);
}

#[test]
fn a_client_that_is_stopped_is_dropped() {
    let stage = stage(&SOON);
    let url = format!("ws://{}/", stage.gateway.web());
    let client = clients::start("ws_stays.mjs", &[&url, "off"]);
    let mut server = stage
        .endpoint
        .accept_websocket_with(&[("Sec-WebSocket-Protocol", "chat.v2")]);
    client
        .stdout()
        .wait_for("a Ping", |line| line["pinged"] == true);
    client.signal(Signal::STOP);
    while receive_until_close(&mut server).is_none() {}
    drop(server);
    let record = silenced(&stage.gateway, "downstream");
    assert!(record["last_ping_rtt_ms_downstream"].is_f64(), "{record}");
    client.signal(Signal::CONT);
    let line = client
        .stdout()
        .wait_for("its end", |line| line["closed"].is_u64());
    assert_eq!(line["closed"], 1006, "nobody waited to tell it");
}

#[test]
fn an_endpoint_that_is_stopped_is_dropped() {
    let (server, address) = clients::serve("ws_endpoint.mjs", &["off"]);
    let gateway = gateway(&with(Settings::to(&[address]), &SOON));
    let mut client = Peer::connect(gateway.web(), "/echo");
    client.send_text("are you there?");
    assert_eq!(receive(&mut client), Frame::text("are you there?"));
    server.signal(Signal::STOP);
    assert_eq!(hear_out(&mut client), (1012, "endpoint lost".to_owned()));
    client.expect_end();
    drop(client);
    silenced(&gateway, "upstream");
    server.signal(Signal::CONT);
}

#[test]
fn a_gateway_that_is_stopped_takes_nobody_for_dead() {
    let stage = stage(&SOON);
    let mut ends = stage.open();
    // Both have answered by the time that the gateway runs again, which is long after `pong_timeout`.
    let (ping, other) = (ends.client.receive(), ends.server.receive());
    stage.gateway.signal(Signal::STOP);
    ends.client.send(&Frame::pong(ping.payload));
    ends.server.send(&Frame::pong(other.payload));
    // Another gateway has given a client up meanwhile.
    let clock = self::stage(&SOON);
    let mut witness = clock.open();
    hear_out(&mut witness.server);
    silenced(&clock.gateway, "downstream");
    stage.gateway.signal(Signal::CONT);
    ends.client.send_text("still here");
    assert_eq!(receive(&mut ends.server), Frame::text("still here"));
    let timeouts = [("result", "timeout")];
    let metrics = stage.gateway.metrics();
    assert_eq!(metrics.count("switchyard_pings_total", &timeouts), 0);
}

/// Passes over a message; the code of a Close.
#[track_caller]
fn receive_until_close(peer: &mut Peer) -> Option<u16> {
    let frame = receive(peer);
    if frame.opcode != opcode::CLOSE {
        return None;
    }
    let code = frame.closing().0;
    peer.send(&Frame::close(code, ""));
    Some(code)
}

/// Returns how much was taken.
#[track_caller]
fn write_until_held_up(peer: &mut Peer, stream: &[u8]) -> usize {
    let mut socket = peer.socket().handle();
    socket.set_write_timeout(Some(HELD_UP)).expect("a timeout");
    let mut taken = 0;
    while let Some(rest) = stream.get(taken..)
        && let Ok(len) = socket.write(rest)
        && len > 0
    {
        taken += len;
    }
    socket.set_write_timeout(None).expect("no timeout");
    taken
}

/// Opens a session whose client takes little into its kernel.
#[track_caller]
fn open_narrow(stage: &Stage) -> Ends {
    let mut socket = Socket::connect_narrow(stage.gateway.web(), 4096);
    socket.send(&Handshake::to("/").encode());
    let server = stage.endpoint.accept_websocket();
    Ends {
        client: handshake::finish(socket),
        server,
    }
}

#[test]
fn a_client_that_does_not_read_what_there_is_for_it_is_not_dropped() {
    let stage = stage(&SOON);
    let Ends {
        mut client,
        mut server,
    } = open_narrow(&stage);
    // Whole messages, until nothing more is taken: the last of them is cut somewhere.
    let message = Frame::binary(vec![7; 100_000]);
    let bytes = server.encode(&message);
    let stream = bytes.repeat(FLOOD / bytes.len());
    let taken = write_until_held_up(&mut server, &stream);
    assert!(taken < stream.len(), "the gateway took everything");
    let rest = &stream[taken..taken.next_multiple_of(bytes.len())];
    // Another session gives no sign of life for long enough.
    let Ends {
        client: silent,
        server: mut witness,
    } = stage.open();
    hear_out(&mut witness);
    witness.expect_end();
    let label = [("route", "main"), ("side", "downstream")];
    let timeouts = [label[0], label[1], ("result", "timeout")];
    stage
        .gateway
        .wait_metric("switchyard_pings_total", &timeouts, 1);
    drop((silent, witness));
    stage
        .gateway
        .wait_metric("switchyard_sessions", &[("route", "main")], 1);
    // The slow one takes it all now, and is still there.
    let mut writer = server.socket().writer();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            writer.send(rest);
            writer.send(&[0x81, 0x03, b'e', b'n', b'd']);
            while receive_until_close(&mut server).is_none() {}
        });
        loop {
            let frame = receive(&mut client);
            if frame == Frame::text("end") {
                break;
            }
            assert!(frame == message, "another message");
        }
        client.send(&Frame::close(1000, ""));
    });
}
