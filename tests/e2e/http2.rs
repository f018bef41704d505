//! Clients that speak HTTP/2: plain requests, and WebSockets as streams of one connection.

mod abuse;
mod browsers;
mod conformance;
mod endings;
mod floods;
mod foreign;
mod neighbours;
mod nghttp2;
mod node;
mod raw;
mod requests;

use switchyard_testkit::endpoint::Accepted;
use switchyard_testkit::{
    Certificate, Endpoint, Frame, Gateway, Http2, Peer, Settings, Socket, Trust, Tunnel,
};

use crate::support::{BINARY, Ends, gateway};

/// A gateway that speaks HTTP/2 by prior knowledge, in front of an endpoint that the test plays.
struct Stage {
    gateway: Gateway,
    endpoint: Accepted,
}

impl Stage {
    #[track_caller]
    fn new() -> Self {
        Self::with(|settings| settings)
    }

    #[track_caller]
    fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let endpoint = Endpoint::bind();
        let settings = Settings::to(&[endpoint.address()])
            .listener("http2: on")
            .listener("extended_connect: on");
        let gateway = gateway(&change(settings));
        Self { gateway, endpoint }
    }

    #[track_caller]
    fn connect(&self) -> Http2 {
        Http2::over(&Socket::connect(self.gateway.web()))
    }

    /// A session on this connection.
    #[track_caller]
    fn open(&self, connection: &Http2) -> Ends {
        std::thread::scope(|scope| {
            let server = scope.spawn(|| self.endpoint.accept_websocket());
            let client = connection.websocket("/", &[]).expect("a session");
            let server = server.join().expect("it accepts");
            Ends { client, server }
        })
    }

    /// A client with a connection of its own has a session.
    #[track_caller]
    fn serves_others(&self) {
        let connection = self.connect();
        self.open(&connection).talk();
    }

    /// How many sessions are open.
    #[track_caller]
    fn wait_sessions(&self, count: u64) {
        let labels = [("route", "main"), ("protocol", "h2")];
        self.gateway
            .wait_metric("switchyard_sessions", &labels, count);
    }

    /// A connection has ended for this reason.
    #[track_caller]
    fn wait_ended(&self, reason: &str) {
        let labels = [("listener", "web"), ("reason", reason)];
        self.gateway
            .wait_metric("switchyard_http2_connections_ended_total", &labels, 1);
    }
}

/// The same over TLS.
fn over_tls(change: impl FnOnce(Settings) -> Settings) -> (Gateway, Trust, Accepted) {
    let endpoint = Endpoint::bind();
    let certificate = Certificate::of(&["localhost"]);
    let settings = Settings::to(&[endpoint.address()])
        .listener("tls: { certificates: [{ cert: a.crt, key: a.key }] }");
    let gateway = Gateway::start_beside(BINARY, &change(settings), &files(&certificate));
    (gateway, Trust::of(&[&certificate]), endpoint)
}

/// A certificate and its key, as files beside the configuration.
fn files(certificate: &Certificate) -> [(&str, &str); 2] {
    [("a.crt", &certificate.pem), ("a.key", &certificate.key)]
}

#[test]
fn a_session_is_a_stream_and_one_like_any_other() {
    let stage = Stage::new();
    let connection = stage.connect();
    let mut ends = stage.open(&connection);
    assert!(connection.has_extended_connect());
    let head = ends.client.head();
    assert_eq!(head.status(), 200);
    for name in ["connection", "upgrade", "sec-websocket-accept"] {
        assert_eq!(head.get(name), None);
    }
    let request = ends.server.head();
    assert_eq!(request.start, "GET / HTTP/1.1");
    assert_eq!(request.get("host"), Some("chat.example.com"));
    assert_eq!(request.get("upgrade"), Some("websocket"));
    assert_eq!(request.get("x-forwarded-proto"), Some("http"));
    stage.wait_sessions(1);
    ends.talk();
    ends.client.send(&Frame::close(4001, "done"));
    assert_eq!(ends.server.receive_close(), (4001, "done".to_owned()));
    ends.server.send(&Frame::close(4001, "done"));
    ends.server.socket().finish();
    assert_eq!(ends.client.receive_close(), (4001, "done".to_owned()));
    ends.client.socket().finish();
    let record = stage.gateway.closed();
    assert_eq!(record["code"], 4001);
    assert_eq!(record["protocol"], "h2");
    assert_eq!(record["initiator"], "downstream");
    stage.wait_sessions(0);
    let labels = [("route", "main"), ("protocol", "h2")];
    let metrics = stage.gateway.metrics();
    assert_eq!(
        metrics.count("switchyard_session_seconds_count", &labels),
        1
    );
}

#[test]
fn over_tls_it_is_agreed_on_by_alpn() {
    let (gateway, trust, endpoint) = over_tls(|settings| settings.listener("extended_connect: on"));
    let (offered, spoken) = (["h2", "http/1.1"], |trust: &Trust| {
        Tunnel::open(gateway.web(), trust, "localhost").expect("a TLS handshake")
    });
    let (tunnel, socket) = spoken(&trust.clone().offering(&offered));
    assert_eq!(tunnel.protocol.as_deref(), Some("h2"));
    let connection = Http2::over(&socket);
    let (mut client, mut server) = std::thread::scope(|scope| {
        let server = scope.spawn(|| endpoint.accept_websocket());
        let client = connection.websocket("/", &[]).expect("a session");
        (client, server.join().expect("it accepts"))
    });
    assert_eq!(server.head().get("x-forwarded-proto"), Some("https"));
    client.send_text("inside TLS");
    assert_eq!(server.receive_text(), "inside TLS");

    let (tunnel, _socket) = spoken(&trust.clone().offering(&["http/1.1"]));
    assert_eq!(tunnel.protocol.as_deref(), Some("http/1.1"));
    let (tunnel, _socket) = spoken(&trust);
    assert_eq!(tunnel.protocol, None);
}

#[test]
fn with_tls_it_is_on_and_websockets_over_it_are_off() {
    let (gateway, trust, endpoint) = over_tls(|settings| settings);
    let trust = trust.offering(&["h2"]);
    let (_tunnel, socket) =
        Tunnel::open(gateway.web(), &trust, "localhost").expect("a TLS handshake");
    let connection = Http2::over(&socket);
    let answered = std::thread::scope(|scope| {
        scope.spawn(|| requests::answer(&mut endpoint.accept(), "plain"));
        connection.get("/")
    });
    assert_eq!(answered.text(), "plain");
    assert!(!connection.has_extended_connect());

    let (gateway, trust, _endpoint) = over_tls(|settings| settings.listener("http2: off"));
    let (tunnel, _socket) = Tunnel::open(
        gateway.web(),
        &trust.offering(&["h2", "http/1.1"]),
        "localhost",
    )
    .expect("a TLS handshake");
    assert_eq!(tunnel.protocol.as_deref(), Some("http/1.1"));
}

#[test]
fn without_tls_one_port_speaks_both() {
    let stage = Stage::new();
    let connection = stage.connect();
    let mut over_http2 = stage.open(&connection);
    let mut over_http1 = std::thread::scope(|scope| {
        let server = scope.spawn(|| stage.endpoint.accept_websocket());
        let client = Peer::connect(stage.gateway.web(), "/");
        Ends {
            client,
            server: server.join().expect("it accepts"),
        }
    });
    over_http2.talk();
    over_http1.talk();
    let labels = [("route", "main"), ("protocol", "h1")];
    stage.gateway.wait_metric("switchyard_sessions", &labels, 1);
    stage.wait_sessions(1);
}

#[test]
fn without_tls_it_is_off_unless_it_is_said() {
    let endpoint = Endpoint::bind();
    let gateway = gateway(&Settings::to(&[endpoint.address()]));
    let mut socket = Socket::connect(gateway.web());
    socket.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let (answer, _) = socket.drain();
    assert_eq!(answer, b"", "no settings");
}
