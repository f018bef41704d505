//! What cannot move stays with the old process until it ends.

use std::thread;

use switchyard_testkit::socket::End;
use switchyard_testkit::{
    Endpoint, Handshake, Head, Http2, Response, Settings, Socket, Trust, Tunnel,
};

use super::{quick, upgrade, wait_sessions};
use crate::support::{Ends, Stage};
use crate::tls;

const GET: &str = "GET /page HTTP/1.1\r\nHost: chat.example.com\r\n\r\n";

#[test]
fn a_session_over_tls_stays_and_is_asked_to_come_again() {
    let endpoint = Endpoint::bind();
    let settings = quick(Settings::to(&[endpoint.address()]));
    let (mut gateway, certificates) = tls::gateway(settings, &[&["localhost"]]);
    let trust = Trust::of(&certificates.iter().collect::<Vec<_>>());
    let open = |address| {
        let (tunnel, mut socket) = Tunnel::open(address, &trust, "localhost").expect("TLS");
        socket.send(&Handshake::to("/").encode());
        let server = endpoint.accept_websocket();
        let client = switchyard_testkit::handshake::finish(socket);
        (tunnel, Ends { client, server })
    };
    let (_tunnel, mut ends) = open(gateway.web());
    ends.talk();
    let _successor = upgrade(gateway.id());
    let Ends { client, server } = ends;
    let closing = thread::spawn(move || server.answer_close());
    assert_eq!(client.answer_close(), 1012);
    assert_eq!(closing.join().expect("no panic"), 1012);
    assert_eq!(gateway.wait_exit().code(), Some(0));
    let (_tunnel, mut again) = open(gateway.web());
    again.talk();
}

/// They come in by the same listener, where the first bytes of a connection say which it is.
#[test]
fn a_session_over_http2_stays_while_one_beside_it_moves() {
    let mut stage = Stage::with(|settings| {
        quick(settings)
            .listener("http2: on")
            .listener("extended_connect: on")
    });
    let mut moves = stage.open();
    let connection = Http2::over(&Socket::connect(stage.gateway.web()));
    let (client, server) = thread::scope(|scope| {
        let server = scope.spawn(|| stage.endpoint.accept_websocket());
        let client = connection.websocket("/", &[]).expect("a session");
        (client, server.join().expect("it accepts"))
    });
    moves.talk();
    let _successor = upgrade(stage.gateway.id());
    let closing = thread::spawn(move || server.answer_close());
    assert_eq!(client.answer_close(), 1012);
    assert_eq!(closing.join().expect("no panic"), 1012);
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
    moves.talk();
    wait_sessions(&stage.gateway, 1);
}

/// The old process has duplicates of the sockets that it gave away, and closes them: otherwise no end would
/// get through while it stays.
#[test]
fn ends_of_sessions_get_through_while_the_old_process_stays() {
    let mut stage = Stage::with(quick);
    let mut ends = stage.open();
    ends.talk();
    let mut waiting = Socket::connect(stage.gateway.web());
    waiting.send(GET.as_bytes());
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    let _successor = upgrade(stage.gateway.id());
    ends.talk();
    wait_sessions(&stage.gateway, 1);
    let mut endpoint = ends.server;
    drop(ends.client);
    assert_eq!(endpoint.expect_end(), End::Eof);
    endpoint.socket().finish();
    wait_sessions(&stage.gateway, 0);
    assert!(!super::has_ended(stage.gateway.id()));
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    assert_eq!(Response::read(&mut waiting).text(), "late");
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
}

/// A route that is not in the new configuration has no place there for its sessions.
#[test]
fn a_session_whose_route_is_gone_stays_and_is_asked_to_come_again() {
    let mut stage = Stage::with(quick);
    let mut ends = stage.open();
    ends.talk();
    let config = stage.gateway.config();
    let text = std::fs::read_to_string(&config).expect("it is there");
    std::fs::write(
        &config,
        text.replace("- name: main\n    cluster", "- name: other\n    cluster"),
    )
    .expect("a file");
    let _successor = upgrade(stage.gateway.id());
    let Ends { client, server } = ends;
    let closing = thread::spawn(move || server.answer_close());
    assert_eq!(client.answer_close(), 1012);
    assert_eq!(closing.join().expect("no panic"), 1012);
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
    stage.open().talk();
}

/// Two workers have a socket each; one, or three, have to make do with these.
#[test]
fn another_number_of_workers_makes_do_with_the_sockets() {
    for workers in [1, 3] {
        let echoing = Endpoint::named("echo");
        let mut gateway = crate::support::gateway(&quick(Settings::to(&[echoing.address()])));
        let config = gateway.config();
        let text = std::fs::read_to_string(&config).expect("it is there");
        let text = text.replace("workers: 2", &format!("workers: {workers}"));
        std::fs::write(&config, text).expect("a file");
        let _successor = upgrade(gateway.id());
        gateway.wait_exit();
        // Of as many as this, some come to each socket.
        for _ in 0..30 {
            let mut client = switchyard_testkit::Peer::connect(gateway.web(), "/");
            client.send_text("hello");
            assert_eq!(client.receive_text(), "hello");
        }
    }
}
