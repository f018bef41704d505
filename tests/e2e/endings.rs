//! How sessions end: in order, half closed, broken, killed, vanished. Always in bounded time, and
//! always with the truth in the record.

use std::fs;
use std::net::SocketAddr;

use serde_json::Value;
use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Handshake, Settings, clients};

use crate::support::{Ends, Stage, gateway};

/// The record of the one session says this.
#[track_caller]
fn recorded(stage: &Stage, initiator: &str, code: u16, reason: &str) -> Value {
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], initiator, "{record}");
    assert_eq!(record["code"], code, "{record}");
    assert_eq!(record["reason"], reason, "{record}");
    stage
        .gateway
        .wait_metric("switchyard_sessions", &[("route", "main")], 0);
    // An application's own codes are counted as a class: they could be any of two thousand.
    let code = if code < 3000 {
        code.to_string()
    } else {
        format!("{}xxx", code / 1000)
    };
    let labels = [
        ("initiator", initiator),
        ("reason", reason),
        ("code", &*code),
    ];
    stage
        .gateway
        .wait_metric("switchyard_session_closes_total", &labels, 1);
    record
}

#[test]
fn the_client_closes() {
    let stage = Stage::new();
    let Ends { mut client, server } = stage.open();
    client.send(&Frame::close(4000, "bye"));
    assert_eq!(server.answer_close(), 4000);
    assert_eq!(client.receive_close().0, 4000);
    client.expect_end();
    drop(client);
    recorded(&stage, "downstream", 4000, "close_frame");
}

#[test]
fn the_endpoint_closes() {
    let stage = Stage::new();
    let Ends { client, mut server } = stage.open();
    server.send(&Frame::close(1013, "later"));
    assert_eq!(client.answer_close(), 1013);
    assert_eq!(server.receive_close().0, 1013);
    server.socket().finish();
    server.expect_end();
    recorded(&stage, "upstream", 1013, "close_frame");
}

/// Connections to `address` whose port is kept for a while because this end of them was ended first.
fn kept_ports(address: SocketAddr) -> usize {
    /// As the system's table has it: what waits for late segments of the other end.
    const TIME_WAIT: &str = "06";
    let remote = format!("0100007F:{:04X}", address.port());
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux");
    let rows = table.lines().map(|row| row.split_whitespace().skip(2));
    rows.filter(|row| row.clone().take(2).eq([&*remote, TIME_WAIT]))
        .count()
}

/// RFC 6455 section 7.1.1: the server ends the connection first. A gateway that ended it would run out of ports towards an
/// endpoint whose sessions are short.
#[test]
fn no_port_is_kept_for_sessions_that_have_ended_in_order() {
    let stage = Stage::new();
    for _ in 0..3 {
        let Ends {
            mut client,
            mut server,
        } = stage.open();
        client.send(&Frame::close(1000, ""));
        assert_eq!(server.receive_close().0, 1000);
        server.send(&Frame::close(1000, ""));
        assert_eq!(client.receive_close().0, 1000);
        client.expect_end();
        server.socket().finish();
        server.expect_end();
    }
    let sessions = [("route", "main")];
    stage
        .gateway
        .wait_metric("switchyard_sessions", &sessions, 0);
    assert_eq!(kept_ports(stage.endpoint.address()), 0);
}

#[test]
fn a_close_without_a_code_is_1005_in_the_record_only() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let empty = Frame::new(opcode::CLOSE, []);
    client.send(&empty);
    assert_eq!(server.receive(), empty);
    server.send(&empty);
    assert_eq!(client.receive(), empty);
    recorded(&stage, "downstream", 1005, "close_frame");
}

#[test]
fn frames_before_a_close_are_delivered() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    server.send_text("last words");
    client.send(&Frame::close(1000, ""));
    assert_eq!(server.receive_close().0, 1000);
    server.send_text("even later");
    server.send(&Frame::close(1000, ""));
    assert_eq!(client.receive_text(), "last words");
    assert_eq!(client.receive_text(), "even later");
    assert_eq!(client.receive_close().0, 1000);
}

#[test]
fn a_client_that_closes_and_hangs_up_at_once() {
    let stage = Stage::new();
    let Ends { mut client, server } = stage.open();
    client.send(&Frame::close(1001, ""));
    client.socket().finish();
    assert_eq!(server.answer_close(), 1001);
    recorded(&stage, "downstream", 1001, "close_frame");
}

#[test]
fn a_client_that_goes_without_a_close() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    client.socket().finish();
    server.expect_end();
    drop(server);
    recorded(&stage, "downstream", 1006, "eof");
}

#[test]
fn what_the_endpoint_still_says_reaches_a_client_that_only_stopped_talking() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    client.socket().finish();
    server.expect_end();
    server.send_text("still here");
    assert_eq!(client.receive_text(), "still here");
}

#[test]
fn a_client_that_breaks_the_connection() {
    let stage = Stage::new();
    let mut ends = stage.open();
    ends.talk();
    ends.client.into_socket().reset();
    ends.server.socket().drain();
    recorded(&stage, "downstream", 1006, "reset");
}

#[test]
fn an_endpoint_that_dies_between_frames_is_told_as_a_restart() {
    let stage = Stage::new();
    let mut ends = stage.open();
    ends.talk();
    ends.server.into_socket().reset();
    assert_eq!(ends.client.receive_close().0, 1012);
    ends.client.expect_end();
    recorded(&stage, "upstream", 1006, "reset");
}

#[test]
fn an_endpoint_that_hangs_up_without_a_close() {
    let stage = Stage::new();
    let Ends { mut client, server } = stage.open();
    drop(server);
    assert_eq!(client.receive_close().0, 1012);
    client.expect_end();
    recorded(&stage, "upstream", 1006, "eof");
}

#[test]
fn an_endpoint_that_dies_in_the_middle_of_a_message() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let long = server.encode(&Frame::text("x".repeat(1000)));
    server.socket().send(&long[..200]);
    assert_eq!(client.socket().receive_vec(200), long[..200]);
    server.into_socket().reset();
    client.expect_end();
    recorded(&stage, "upstream", 1006, "reset");
}

#[test]
fn an_endpoint_that_dies_between_fragments_still_leaves_room_for_a_close() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    server.send(&Frame::text("half").unfinished());
    client.receive();
    server.into_socket().reset();
    assert_eq!(client.receive_close().0, 1012);
}

#[test]
fn an_endpoint_process_that_is_killed() {
    let (process, address) = clients::serve("ws_endpoint.mjs", &["off"]);
    let gateway = gateway(&Settings::to(&[address]));
    let mut client = Handshake::to("/").open(gateway.web());
    let message = client.encode(&Frame::binary(vec![1; 100_000]));
    client.socket().send(&message[..50_000]);
    process
        .stdout()
        .wait_for("the session", |line| line["opened"] == true);
    drop(process);
    assert_eq!(client.receive_close().0, 1012);
    let record = gateway.closed();
    assert_eq!(
        (&record["initiator"], &record["code"]),
        (&"upstream".into(), &1006.into()),
        "{record}"
    );
}

#[test]
fn a_client_that_falls_silent_is_let_go() {
    let stage = Stage::with(|settings| {
        settings
            .websocket("idle_timeout: 200ms")
            .websocket("close_timeout: 300ms")
    });
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    // Nobody answers the gateway's Close, and nobody hangs up.
    assert_eq!(server.receive_close().0, 1001);
    assert_eq!(client.receive_close().0, 1001);
    client.expect_end();
    server.expect_end();
    recorded(&stage, "gateway", 1001, "idle_timeout");
}

#[test]
fn a_peer_that_never_answers_a_close_is_let_go() {
    let stage = Stage::with(|settings| settings.websocket("close_timeout: 300ms"));
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    client.send(&Frame::close(1000, ""));
    assert_eq!(server.receive_close().0, 1000);
    client.expect_end();
    server.expect_end();
    recorded(&stage, "downstream", 1000, "close_frame");
}
