//! SIGTERM: not ready, then no new connections, then a Close to every session, then the end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use switchyard_testkit::lines::message;
use switchyard_testkit::{
    Frame, Gateway, Head, PATIENCE, Peer, Process, Response, Settings, Socket, eventually,
};
use tempfile::TempDir;

use crate::support::{BINARY, Ends, Stage, dead_address};

/// The exit code of a gateway that had to cut sessions.
const SESSIONS_CUT: i32 = 3;

/// Apart by this, two moments differ for the gateway too.
const TICK: Duration = Duration::from_millis(20);

/// Drains at once, and over as little time as a test needs.
fn quick(settings: Settings) -> Settings {
    settings
        .drain("ready_delay: 0s")
        .drain("over: 500ms")
        .drain("deadline: 20s")
}

/// Waits until new connections are refused.
#[track_caller]
fn refuses(gateway: &Gateway) {
    let address = gateway.web();
    eventually("the listener to close", || {
        std::net::TcpStream::connect(address).err()
    });
}

#[test]
fn every_session_is_told_1012_and_the_exit_is_in_order() {
    let mut stage = Stage::with(quick);
    let sessions: Vec<Ends> = (0..20).map(|_| stage.open()).collect();
    stage.gateway.terminate();
    for Ends {
        mut client,
        mut server,
    } in sessions
    {
        let told = (1012, "service restart".to_owned());
        assert_eq!(client.receive_close(), told);
        assert_eq!(server.receive_close(), told);
        client.send(&Frame::close(1012, ""));
        server.send(&Frame::close(1012, ""));
        client.expect_end();
        server.socket().finish();
        server.expect_end();
    }
    let status = stage.gateway.wait_exit();
    assert_eq!(status.code(), Some(0));
    for record in stage.gateway.records(20, "session closed") {
        assert_eq!(record["reason"], "drain", "{record}");
        assert_eq!(record["initiator"], "gateway", "{record}");
        assert_eq!(record["code"], 1012, "{record}");
    }
    stage
        .gateway
        .log()
        .wait_for("draining", |line| message(line, "draining"));
    stage
        .gateway
        .log()
        .wait_for("stopped", |line| message(line, "stopped"));
}

#[test]
fn a_gateway_without_sessions_stops_at_once() {
    // Neither `over` nor `deadline` is waited for when there is nobody to wait for.
    let mut stage = Stage::with(|settings| {
        settings
            .drain("ready_delay: 0s")
            .drain("over: 1h")
            .drain("deadline: 2h")
    });
    stage.gateway.terminate();
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
}

#[test]
fn first_it_is_not_ready_and_still_serves() {
    let mut stage = Stage::with(|settings| settings.drain("ready_delay: 1h").drain("deadline: 1h"));
    let mut before = stage.open();
    assert_eq!(stage.gateway.ask_admin("/readyz").status(), 200);
    stage.gateway.terminate();
    let readiness = || (stage.gateway.ask_admin("/readyz").status() == 503).then_some(());
    eventually("not ready", readiness);
    assert_eq!(stage.gateway.ask_admin("/healthz").status(), 200);
    let mut during = stage.open();
    during.talk();
    before.talk();
    stage.gateway.terminate();
    before.client.socket().drain();
    during.client.socket().drain();
    stage.gateway.wait_exit();
}

#[test]
fn new_connections_are_refused_while_sessions_still_talk() {
    let stage = Stage::with(|settings| {
        settings
            .drain("ready_delay: 0s")
            .drain("over: 1h")
            .drain("deadline: 2h")
    });
    // Told somewhere in its slot of an hour: far away, most likely; told or not, it is not cut.
    let ends: Vec<Ends> = (0..8).map(|_| stage.open()).collect();
    stage.gateway.terminate();
    refuses(&stage.gateway);
    let alive = ends.into_iter().filter_map(|mut ends| {
        ends.client.send_text("still here");
        let frame = ends.server.receive();
        (frame == Frame::text("still here")).then_some(())
    });
    assert!(
        alive.count() >= 6,
        "an hour's drain has told nearly all of them already"
    );
}

#[test]
fn a_second_signal_cuts() {
    let mut stage = Stage::with(|settings| settings.drain("ready_delay: 1h").drain("deadline: 1h"));
    let mut ends = stage.open();
    stage.gateway.terminate();
    stage.gateway.log().wait_for("the first signal", |line| {
        message(line, "leaving") || message(line, "draining")
    });
    stage.gateway.terminate();
    ends.client.socket().drain();
    ends.server.socket().drain();
    let status = stage.gateway.wait_exit();
    assert_eq!(
        status.code(),
        Some(SESSIONS_CUT),
        "it did not go in order, and says so"
    );
    assert_eq!(stage.gateway.closed()["reason"], "shutdown");
}

#[test]
fn a_second_signal_cuts_a_drain_that_has_begun() {
    let mut stage = Stage::with(|settings| {
        settings
            .drain("ready_delay: 0s")
            .drain("over: 1h")
            .drain("deadline: 2h")
    });
    let mut ends = stage.open();
    stage.gateway.terminate();
    stage
        .gateway
        .log()
        .wait_for("the drain", |line| message(line, "draining"));
    stage.gateway.terminate();
    ends.client.socket().drain();
    ends.server.socket().drain();
    assert_eq!(stage.gateway.wait_exit().code(), Some(SESSIONS_CUT));
    assert_eq!(stage.gateway.closed()["reason"], "shutdown");
}

#[test]
fn the_deadline_cuts_a_session_that_does_not_go() {
    let mut stage = Stage::with(|settings| {
        settings
            .drain("ready_delay: 0s")
            .drain("over: 100ms")
            .drain("deadline: 500ms")
            .websocket("close_timeout: 1h")
    });
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    stage.gateway.terminate();
    assert_eq!(client.receive_close().0, 1012);
    assert_eq!(server.receive_close().0, 1012);
    client.socket().drain();
    server.socket().drain();
    assert_eq!(
        stage.gateway.wait_exit().code(),
        Some(SESSIONS_CUT),
        "a session was cut, and that is said"
    );
}

#[test]
fn a_close_waits_for_the_end_of_the_frame_it_would_fall_into() {
    let stage = Stage::with(quick);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let frame = Frame::binary(vec![3; 1000]);
    let bytes = server.encode(&frame);
    server.socket().send(&bytes[..400]);
    assert_eq!(client.socket().receive_vec(400), bytes[..400]);
    stage.gateway.terminate();
    // The other direction is between frames, so that end is told at once.
    assert_eq!(server.receive_close().0, 1012);
    server.socket().send(&bytes[400..]);
    assert_eq!(client.socket().receive_vec(bytes.len() - 400), bytes[400..]);
    assert_eq!(client.receive_close().0, 1012);
}

#[test]
fn the_code_and_the_reason_are_the_operators() {
    let stage =
        Stage::with(|settings| quick(settings).drain("close: { code: 1001, reason: \"see you\" }"));
    let mut ends = stage.open();
    stage.gateway.terminate();
    assert_eq!(ends.client.receive_close(), (1001, "see you".to_owned()));
}

/// Opens eight sessions one after the other; returns the order in which their clients are told.
#[track_caller]
fn order_of_closes(order: &str, before: impl Fn(&mut [Ends])) -> Vec<usize> {
    let stage = Stage::with(|settings| {
        let drain = settings
            .drain("ready_delay: 0s")
            .drain("over: 2s")
            .drain("deadline: 20s");
        drain.drain(&format!("order: {order}")).workers(1)
    });
    let mut sessions: Vec<Ends> = (0..8).map(|_| stage.open()).collect();
    before(&mut sessions);
    let (told, closes) = channel();
    stage.gateway.terminate();
    let (clients, _servers): (Vec<Peer>, Vec<Peer>) = sessions
        .into_iter()
        .map(|ends| (ends.client, ends.server))
        .unzip();
    for (n, mut client) in clients.into_iter().enumerate() {
        let told = told.clone();
        std::thread::spawn(move || {
            client.receive_close();
            told.send(n)
        });
    }
    (0..8)
        .map(|_| closes.recv_timeout(PATIENCE).unwrap())
        .collect()
}

#[test]
fn the_oldest_may_go_first() {
    let order = order_of_closes("oldest_first", |_| {});
    assert_eq!((order[0], order[7]), (0, 7), "{order:?}");
}

#[test]
fn the_idle_go_first() {
    // The first to be opened is the last to have spoken.
    let order = order_of_closes("idle_first", |sessions| {
        let opened = Instant::now();
        eventually("the clock to move on", || {
            (opened.elapsed() > TICK).then_some(())
        });
        sessions[0].talk();
    });
    assert_eq!(order[7], 0, "{order:?}");
}

#[test]
fn a_request_under_way_is_answered() {
    let mut stage = Stage::with(quick);
    let mut client = Socket::connect(stage.gateway.web());
    client.send(b"GET /slow HTTP/1.1\r\nHost: chat.example.com\r\n\r\n");
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    stage.gateway.terminate();
    refuses(&stage.gateway);
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    let answer = Response::read(&mut client);
    assert_eq!((answer.status(), answer.text()), (200, "done"));
    client.expect_end();
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
}

#[test]
fn a_signal_that_comes_before_the_configuration_is_not_lost() {
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("switchyard.yaml");
    mknodat(CWD, &config, FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
    let mut command = Command::new(BINARY);
    command.args(["run", "--config"]).arg(&config);
    let mut process = Process::start(command);
    // It is there when the process looks into its configuration.
    let mut pipe = OpenOptions::new()
        .write(true)
        .open(&config)
        .expect("a pipe");
    process.signal(Signal::TERM);
    let settings = quick(Settings::to(&[dead_address()])).render();
    pipe.write_all(settings.as_bytes()).expect("it is read");
    drop(pipe);
    assert_eq!(process.wait_exit().code(), Some(0));
    for step in ["ready", "leaving", "stopped"] {
        process.stdout().wait_for(step, |line| message(line, step));
    }
}
