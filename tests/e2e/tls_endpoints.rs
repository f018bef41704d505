//! Endpoints that are spoken to over TLS: sessions, plain requests, probes, and who is not trusted.

mod failures;
mod files;
mod foreign;
mod mutual;
mod names;
mod probes;

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use switchyard_testkit::endpoint::{Accepted, echo};
use switchyard_testkit::limits::resident;
use switchyard_testkit::{
    Certificate, Cover, Endpoint, Farewell, Frame, Gateway, Guest, Handshake, Peer, Response,
    Settings, Socket, Trust, Tunnel, handshake,
};

use crate::support::{BINARY, Ends};

/// A gateway that trusts the certificate of the one endpoint it has.
struct Stage {
    gateway: Gateway,
    cover: Cover,
    endpoint: Accepted,
}

impl Stage {
    fn new() -> Self {
        Self::with(|settings| settings)
    }

    fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let endpoint = Endpoint::bind();
        let certificate = Certificate::of(&["chat.test"]);
        let cover = Cover::before(endpoint.address(), &certificate);
        let gateway = trusting(&certificate, change(Settings::to(&[cover.address()])));
        Self {
            gateway,
            cover,
            endpoint,
        }
    }

    #[track_caller]
    fn open(&self) -> (Guest, Ends) {
        let socket = Handshake::to("/").send(self.gateway.web());
        self.finish(socket)
    }

    /// A session whose handshake was sent.
    #[track_caller]
    fn finish(&self, socket: Socket) -> (Guest, Ends) {
        let guest = self.cover.guest();
        let server = self.endpoint.accept_websocket();
        let client = handshake::finish(socket);
        (guest, Ends { client, server })
    }

    #[track_caller]
    fn wait_handshakes(&self, result: &str, resumed: &str, count: u64) {
        wait_handshakes(&self.gateway, self.cover.address(), result, resumed, count);
    }
}

/// A gateway whose cluster trusts `certificate`, and knows its endpoints as `chat.test`.
#[track_caller]
fn trusting(certificate: &Certificate, settings: Settings) -> Gateway {
    let settings = settings.cluster("tls: { ca: ca.pem, server_name: chat.test }");
    beside(&settings, certificate)
}

/// A gateway with the certificate in `ca.pem`.
#[track_caller]
fn beside(settings: &Settings, certificate: &Certificate) -> Gateway {
    Gateway::start_beside(BINARY, settings, &[("ca.pem", &certificate.pem)])
}

#[track_caller]
fn wait_handshakes(
    gateway: &Gateway,
    endpoint: SocketAddr,
    result: &str,
    resumed: &str,
    count: u64,
) {
    let endpoint = endpoint.to_string();
    let labels = [
        ("cluster", "main"),
        ("endpoint", &*endpoint),
        ("result", result),
        ("resumed", resumed),
    ];
    gateway.wait_metric("switchyard_endpoint_tls_handshakes_total", &labels, count);
}

#[test]
fn a_session_over_tls_is_one_like_any_other() {
    let stage = Stage::new();
    let (guest, mut ends) = stage.open();
    assert_eq!(guest.asked_for.as_deref(), Some("chat.test"));
    assert_eq!(guest.protocol.as_deref(), Some("http/1.1"));
    assert!(guest.is_newest && !guest.resumed && guest.shown.is_none());
    // What the client speaks is what the endpoint is told.
    assert_eq!(ends.server.head().get("x-forwarded-proto"), Some("http"));
    ends.talk();
    ends.client.send(&Frame::close(4001, "done"));
    assert_eq!(ends.server.receive_close(), (4001, "done".to_owned()));
    ends.server.send(&Frame::close(4001, "done"));
    ends.server.socket().finish();
    assert_eq!(ends.client.receive_close().0, 4001);
    ends.client.socket().finish();
    ends.client.expect_end();
    ends.server.expect_end();
    assert_eq!(guest.farewell(), Farewell::Said);
    assert_eq!(stage.gateway.closed()["code"], 4001);
    stage.wait_handshakes("ok", "no", 1);
    let unverified = "switchyard_cluster_tls_unverified";
    assert_eq!(stage.gateway.metrics().count(unverified, &[]), 0);
}

#[test]
fn big_messages_pass_both_ways_at_once_and_over_tls_on_both_sides() {
    let endpoint = Endpoint::bind();
    let (front, back) = (
        Certificate::of(&["localhost"]),
        Certificate::of(&["chat.test"]),
    );
    let cover = Cover::before(endpoint.address(), &back);
    let settings = Settings::to(&[cover.address()])
        .listener("tls: { certificates: [{ cert: web.crt, key: web.key }] }")
        .cluster("tls: { ca: ca.pem, server_name: chat.test }");
    let files = [
        ("web.crt", &*front.pem),
        ("web.key", &front.key),
        ("ca.pem", &back.pem),
    ];
    let gateway = Gateway::start_beside(BINARY, &settings, &files);
    let trust = Trust::of(&[&front]);
    let (_tunnel, mut socket) = Tunnel::open(gateway.web(), &trust, "localhost").unwrap();
    socket.send(&Handshake::to("/").encode());
    let server = endpoint.accept_websocket();
    assert_eq!(server.head().get("x-forwarded-proto"), Some("https"));
    let client = handshake::finish(socket);
    let message: Vec<u8> = (0..5_000_000_u32)
        .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let both = [client, server].map(|mut peer| {
        let bytes = peer.encode(&Frame::binary(message.clone()));
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
    let (_guest, Ends { mut client, server }) = stage.open();
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
fn a_slow_endpoint_holds_up_its_client_and_gets_everything() {
    /// How long the client must be held up to count as that.
    const HELD_UP: Duration = Duration::from_millis(300);
    /// More than all the kernel buffers on the way can hold.
    const FLOOD: usize = 64 << 20;
    /// What the gateway may keep of it, with what its allocator takes.
    const KEPT: u64 = 4 << 20;
    let stage = Stage::with(|settings| {
        settings
            .websocket("buffer_limit: 64KiB")
            .websocket("max_message: off")
            .websocket("max_frame: off")
    });
    let (_guest, mut ends) = stage.open();
    ends.talk();
    let before = resident(stage.gateway.id());
    let mut client = ends.client.into_socket();
    let length: u64 = 1 << 40;
    client.send(&[&[0x82, 0xFF][..], &length.to_be_bytes(), &[0; 4]].concat());
    let taken = client.fill(&vec![7; 64 << 10], HELD_UP, FLOOD);
    assert!(taken < FLOOD, "the gateway took everything");
    let kept = resident(stage.gateway.id()).saturating_sub(before);
    assert!(kept < KEPT, "{kept} bytes more than before");
    let received = ends.server.socket().receive_vec(2 + 8 + 4 + taken);
    assert!(received[14..].iter().all(|byte| *byte == 7));
}

#[test]
fn a_message_right_behind_the_101_is_not_lost() {
    let stage = Stage::new();
    let socket = Handshake::to("/").send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    let request = switchyard_testkit::Head::read(&mut server);
    let mut answer = handshake::accept(&request, &[]);
    answer.extend(Frame::text("welcome".to_owned()).encode(None));
    server.send(&answer);
    assert_eq!(handshake::finish(socket).receive_text(), "welcome");
}

#[test]
fn plain_requests_are_answered_and_share_a_connection() {
    let endpoint = Endpoint::named("one");
    let certificate = Certificate::of(&["chat.test"]);
    let cover = Cover::before(endpoint.address(), &certificate);
    let settings = Settings::to(&[cover.address()]).workers(1);
    let gateway = trusting(&certificate, settings);
    let mut socket = Socket::connect(gateway.web());
    for _ in 0..3 {
        socket.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = Response::read(&mut socket);
        assert_eq!((response.status(), response.text()), (200, "one"));
    }
    let guest = cover.guest();
    assert!(!cover.has_more());
    wait_handshakes(&gateway, cover.address(), "ok", "no", 1);
    // It is closed in order when it has been idle for long enough.
    assert_eq!(guest.farewell(), Farewell::Said);
}

#[test]
fn a_handshake_that_is_declined_is_passed_on() {
    let stage = Stage::new();
    let mut socket = Handshake::to("/").send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    switchyard_testkit::Head::read(&mut server);
    server.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let response = Response::read(&mut socket);
    assert_eq!((response.status(), response.text()), (403, "no"));
}

#[test]
fn an_endpoint_that_is_known_brings_its_tickets_back() {
    let stage = Stage::new();
    for round in 0..4 {
        let (guest, mut ends) = stage.open();
        ends.talk();
        assert_eq!(guest.resumed, round > 0, "{round}");
        ends.client.send(&Frame::close(1000, ""));
        assert_eq!(ends.server.receive_close().0, 1000);
    }
    stage.wait_handshakes("ok", "yes", 3);
    stage.wait_handshakes("ok", "no", 1);
}

#[test]
fn an_endpoint_that_goes_without_goodbye_is_cut_off_as_without_tls() {
    let stage = Stage::new();
    let (_guest, mut ends) = stage.open();
    ends.talk();
    drop(ends.server);
    assert_eq!(ends.client.receive_close().0, 1012);
    let record = stage.gateway.closed();
    assert_eq!(
        (&record["initiator"], &record["reason"]),
        (&"upstream".into(), &"eof".into()),
        "{record}"
    );
}

#[test]
fn a_client_that_vanishes_is_told_to_the_endpoint() {
    let stage = Stage::new();
    let (guest, mut ends) = stage.open();
    ends.talk();
    drop(ends.client);
    ends.server.expect_end();
    assert_eq!(guest.farewell(), Farewell::Said);
    drop(ends.server);
    assert_eq!(stage.gateway.closed()["initiator"], "downstream");
}

#[test]
fn a_drain_says_close_and_then_goodbye() {
    let stage = Stage::with(|settings| settings.drain("over: 0ms").drain("ready_delay: 0ms"));
    let (guest, mut ends) = stage.open();
    ends.talk();
    stage.gateway.terminate();
    assert_eq!(ends.client.receive_close().0, 1012);
    ends.client.send(&Frame::close(1012, ""));
    assert_eq!(Peer::answer_close(ends.server), 1012);
    ends.client.expect_end();
    assert_eq!(guest.farewell(), Farewell::Said);
    assert_eq!(stage.gateway.closed()["reason"], "drain");
}
