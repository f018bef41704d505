//! Listeners that end TLS: sessions, plain requests, and what does not get in.

mod client_certs;
mod files;
mod foreign;
mod reload;
mod resumption;
mod rotation;
mod staple;
mod storm;

use std::io::Read as _;
use std::net::TcpStream;
use std::thread;

use switchyard_testkit::endpoint::{Accepted, echo};
use switchyard_testkit::{
    Certificate, Endpoint, Farewell, Frame, Gateway, Handshake, Head, Peer, Response, Settings,
    Socket, Trust, Tunnel,
};

use crate::support::{BINARY, Ends};

/// A gateway whose listener ends TLS, with the files of its certificates beside its configuration.
struct Stage {
    gateway: Gateway,
    certificates: Vec<Certificate>,
    endpoint: Accepted,
}

impl Stage {
    fn new() -> Self {
        Self::with(|settings| settings)
    }

    fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let endpoint = Endpoint::bind();
        let settings = change(Settings::to(&[endpoint.address()]));
        let (gateway, certificates) = gateway(settings, &[&["localhost", "127.0.0.1"]]);
        Self {
            gateway,
            certificates,
            endpoint,
        }
    }

    fn trust(&self) -> Trust {
        Trust::of(&self.certificates.iter().collect::<Vec<_>>())
    }

    #[track_caller]
    fn connect(&self) -> (Tunnel, Socket) {
        Tunnel::open(self.gateway.web(), &self.trust(), "localhost").expect("a TLS handshake")
    }

    #[track_caller]
    fn open(&self) -> (Tunnel, Ends) {
        let (tunnel, mut socket) = self.connect();
        socket.send(&Handshake::to("/").encode());
        let server = self.endpoint.accept_websocket();
        let client = switchyard_testkit::handshake::finish(socket);
        (tunnel, Ends { client, server })
    }

    #[track_caller]
    fn wait_handshakes(&self, result: &str, version: &str, resumed: &str, count: u64) {
        let labels = [
            ("listener", "web"),
            ("result", result),
            ("version", version),
            ("resumed", resumed),
        ];
        self.gateway
            .wait_metric("switchyard_tls_handshakes_total", &labels, count);
    }
}

/// A gateway with one certificate for each list of names.
pub(crate) fn gateway(settings: Settings, names: &[&[&str]]) -> (Gateway, Vec<Certificate>) {
    gateway_with(settings, names, "", &[])
}

/// The same with `more` in its `tls`, which begins with a comma, and with files beside the others.
fn gateway_with(
    settings: Settings,
    names: &[&[&str]],
    more: &str,
    beside: &[(&str, &str)],
) -> (Gateway, Vec<Certificate>) {
    let certificates: Vec<_> = names.iter().map(|names| Certificate::of(names)).collect();
    let mut items = Vec::new();
    let mut files = Vec::new();
    for (index, certificate) in certificates.iter().enumerate() {
        items.push(format!("{{ cert: {index}.crt, key: {index}.key }}"));
        files.push((format!("{index}.crt"), certificate.pem.as_str()));
        files.push((format!("{index}.key"), certificate.key.as_str()));
    }
    let line = format!("tls: {{ certificates: [{}]{more} }}", items.join(", "));
    let files: Vec<_> = files
        .iter()
        .map(|(name, content)| (name.as_str(), *content))
        .chain(beside.iter().copied())
        .collect();
    let gateway = Gateway::start_beside(BINARY, &settings.listener(&line), &files);
    (gateway, certificates)
}

#[test]
fn a_session_over_tls_is_one_like_any_other() {
    let stage = Stage::new();
    let (tunnel, mut ends) = stage.open();
    let head = ends.server.head();
    assert_eq!(head.get("x-forwarded-proto"), Some("https"));
    let forwarded = head.get("forwarded").unwrap();
    assert!(forwarded.ends_with(";proto=https"), "{forwarded}");
    ends.talk();
    ends.client.send(&Frame::close(4001, "done"));
    assert_eq!(ends.server.receive_close(), (4001, "done".to_owned()));
    ends.server.send(&Frame::close(4001, "done"));
    ends.server.socket().finish();
    assert_eq!(ends.client.receive_close().0, 4001);
    ends.client.socket().finish();
    ends.client.expect_end();
    assert_eq!(tunnel.farewell(), Farewell::Said);
    let opened = stage.gateway.records(1, "session opened").remove(0);
    assert_eq!(opened["listener"], "web", "{opened}");
    let closed = stage.gateway.closed();
    assert_eq!(closed["code"], 4001, "{closed}");
    stage.wait_handshakes("ok", "1.3", "no", 1);
    let seconds = "switchyard_tls_handshake_seconds_count";
    stage
        .gateway
        .wait_metric(seconds, &[("listener", "web")], 1);
}

#[test]
fn big_messages_pass_both_ways_at_once() {
    let stage = Stage::new();
    let (_tunnel, Ends { client, server }) = stage.open();
    let message: Vec<u8> = (0..5_000_000_u32)
        .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let both = [client, server].map(|mut peer| {
        let frame = Frame::binary(message.clone());
        let bytes = peer.encode(&frame);
        let mut writer = peer.socket().writer();
        let writing = thread::spawn(move || writer.send(&bytes));
        (peer, writing)
    });
    for (mut peer, writing) in both {
        let received = peer.receive();
        assert!(received.payload == message, "it is another message");
        writing.join().unwrap();
    }
}

#[test]
fn many_small_messages_arrive_in_order() {
    let stage = Stage::new();
    let (_tunnel, Ends { mut client, server }) = stage.open();
    let echoing = thread::spawn(move || echo(server));
    let mut writer = client.socket().writer();
    let frames: Vec<_> = (0..2_000_u32)
        .map(|i| client.encode(&Frame::text(format!("{i:>100}"))))
        .collect();
    let writing = thread::spawn(move || frames.iter().for_each(|frame| writer.send(frame)));
    for i in 0..2_000 {
        assert_eq!(client.receive_text(), format!("{i:>100}"));
    }
    writing.join().unwrap();
    drop(client);
    echoing.join().unwrap();
}

#[test]
fn a_plain_request_is_answered_and_the_connection_kept() {
    let endpoint = Endpoint::named("one");
    let (gateway, certificates) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    let trust = Trust::of(&[&certificates[0]]);
    let (tunnel, mut socket) = Tunnel::open(gateway.web(), &trust, "localhost").unwrap();
    for _ in 0..3 {
        socket.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = Response::read(&mut socket);
        assert_eq!((response.status(), response.text()), (200, "one"));
    }
    socket.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(Response::read(&mut socket).status(), 200);
    socket.expect_end();
    drop(socket);
    assert_eq!(tunnel.farewell(), Farewell::Said);
}

#[test]
fn a_trusted_proxy_is_still_believed() {
    let stage = Stage::with(|settings| settings.top("trusted_proxies: [127.0.0.0/8]"));
    let (_tunnel, mut socket) = stage.connect();
    let handshake = Handshake::to("/")
        .with("X-Forwarded-For", "198.51.100.7")
        .with("X-Forwarded-Proto", "http");
    socket.send(&handshake.encode());
    let mut server = stage.endpoint.accept();
    let head = Head::read(&mut server);
    assert_eq!(head.get("x-forwarded-proto"), Some("http"));
    let hops = head.get("x-forwarded-for").unwrap();
    assert!(hops.starts_with("198.51.100.7, 127."), "{hops}");
}

#[test]
fn a_drain_says_close_and_then_goodbye() {
    let stage = Stage::with(|settings| settings.drain("over: 0ms").drain("ready_delay: 0ms"));
    let Stage {
        ref gateway,
        ref endpoint,
        ..
    } = stage;
    let (tunnel, mut ends) = stage.open();
    ends.talk();
    gateway.terminate();
    assert_eq!(ends.client.receive_close().0, 1012);
    assert_eq!(Peer::answer_close(ends.server), 1012);
    ends.client.send(&Frame::close(1012, ""));
    ends.client.expect_end();
    drop(ends.client);
    assert_eq!(tunnel.farewell(), Farewell::Said);
    let record = gateway.closed();
    assert_eq!(record["reason"], "drain", "{record}");
    assert!(!endpoint.has_more());
}

#[test]
fn a_client_that_vanishes_is_seen() {
    let stage = Stage::new();
    let (_tunnel, mut ends) = stage.open();
    ends.talk();
    drop(ends.client);
    ends.server.expect_end();
    drop(ends.server);
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], "downstream", "{record}");
}

#[test]
fn a_client_that_says_nothing_is_not_waited_for() {
    let stage = Stage::with(|settings| settings.listener("handshake_timeout: 300ms"));
    let mut socket = Socket::connect(stage.gateway.web());
    socket.expect_end();
    stage.wait_handshakes("timeout", "none", "no", 1);
    let mut socket = Socket::connect(stage.gateway.web());
    socket.send(&[22, 3, 1, 2, 0, 1]);
    socket.drain();
    stage.wait_handshakes("timeout", "none", "no", 2);
}

/// A request that no endpoint answers: 504 after the route's `request_timeout`, and not before.
#[track_caller]
fn ask_in_vain(stage: &Stage) {
    let (_tunnel, mut socket) = stage.connect();
    socket.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let _mute = stage.endpoint.accept();
    assert_eq!(Response::read(&mut socket).status(), 504);
}

#[test]
fn the_first_head_is_due_from_the_first_byte_on() {
    let stage = Stage::with(|settings| {
        settings
            .listener("handshake_timeout: 3s")
            .http("request_timeout: 1s")
    });
    let address = stage.gateway.web();
    // It is accepted a second before the other, and does its handshake after it.
    let early = TcpStream::connect(address).unwrap();
    ask_in_vain(&stage);
    let (_tunnel, mut late) = stage.connect();
    let (_tunnel, mut early) = Tunnel::over(early, &stage.trust(), "localhost").unwrap();
    late.expect_end();
    early.set_nonblocking();
    assert_eq!(early.read(&mut [0]).unwrap(), 0, "it outlived the other");
}

#[test]
fn a_request_may_take_longer_than_its_head_may() {
    let stage = Stage::with(|settings| {
        settings
            .listener("handshake_timeout: 1s")
            .http("request_timeout: 2s")
    });
    ask_in_vain(&stage);
}

#[test]
fn what_is_no_tls_gets_an_alert() {
    let stage = Stage::new();
    for bytes in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &[0; 100]] {
        let mut socket = Socket::connect(stage.gateway.web());
        socket.send(bytes);
        let (answer, _) = socket.drain();
        assert_eq!((answer[0], answer.len()), (21, 7), "{answer:?}");
    }
    stage.wait_handshakes("not_tls", "none", "no", 2);
    drop(Socket::connect(stage.gateway.web()));
    stage.wait_handshakes("client_gone", "none", "no", 1);
    // A client that does not trust the certificate says so.
    let stranger = Trust::of(&[&Certificate::of(&["localhost"])]);
    Tunnel::open(stage.gateway.web(), &stranger, "localhost").unwrap_err();
    stage.wait_handshakes("client_refused", "none", "no", 1);
    let (_tunnel, mut ends) = stage.open();
    ends.talk();
    let warned = |line: &serde_json::Value| line["level"] == "WARN" || line["level"] == "ERROR";
    assert!(!stage.gateway.log().so_far().iter().any(warned));
}

#[test]
fn a_client_that_comes_back_resumes_on_any_worker() {
    let stage = Stage::new();
    let trust = stage.trust();
    for round in 0..6 {
        let (tunnel, mut socket) = Tunnel::open(stage.gateway.web(), &trust, "localhost").unwrap();
        socket.send(&Handshake::to("/").encode());
        let _server = stage.endpoint.accept_websocket();
        let mut client = switchyard_testkit::handshake::finish(socket);
        client.send(&Frame::close(1000, ""));
        assert_eq!(tunnel.resumed, round > 0, "{round}");
    }
    stage.wait_handshakes("ok", "1.3", "yes", 5);
}

#[test]
fn the_name_that_is_asked_for_chooses_the_certificate() {
    let endpoint = Endpoint::named("one");
    let names: [&[&str]; 2] = [&["first.test"], &["*.chat.test"]];
    let (gateway, certificates) = gateway(Settings::to(&[endpoint.address()]), &names);
    let trust = Trust::of(&[&certificates[0], &certificates[1]]);
    for (name, expected) in [("first.test", 0), ("eu.chat.test", 1)] {
        let (tunnel, _) = Tunnel::open(gateway.web(), &trust, name).unwrap();
        assert!(tunnel.shown == certificates[expected].der, "{name}");
    }
}
