//! Endpoints that are spoken to in HTTP/2: node's, which has it of its own.

use std::net::SocketAddr;

use switchyard_testkit::endpoint::echo;
use switchyard_testkit::gateway::get;
use switchyard_testkit::{
    Certificate, Endpoint, Frame, Gateway, Handshake, Head, Http2, Peer, Process, Settings, Socket,
    clients,
};

use crate::support::{BINARY, gateway};

/// Node, as an endpoint with these options.
fn node(options: &str) -> (Process, SocketAddr) {
    clients::serve("http2_endpoint.mjs", &[options])
}

/// One worker, so that what one of them has is all there is.
fn towards(endpoints: &[SocketAddr]) -> Settings {
    Settings::to(endpoints)
        .workers(1)
        .cluster("protocol: http2")
}

/// How many connections the endpoint has had.
#[track_caller]
fn connections(gateway: &Gateway) -> usize {
    let answer = get(gateway.web(), "/");
    assert_eq!(answer.status(), 200);
    answer.text().parse().expect("a number")
}

#[track_caller]
fn talk(peer: &mut Peer, text: &str) {
    peer.send_text(text);
    assert_eq!(peer.receive_text(), text);
}

#[track_caller]
fn all_talk(peers: &mut [Peer], text: &str) {
    for peer in peers {
        talk(peer, text);
    }
}

/// The status of a handshake that is turned down, and its reason.
#[track_caller]
fn turned_down(gateway: &Gateway, reason: &str) -> u16 {
    let mut socket = Handshake::to("/").send(gateway.web());
    let status = Head::read(&mut socket).status();
    let labels = [("result", reason)];
    gateway.wait_metric("switchyard_handshakes_total", &labels, 1);
    status
}

#[test]
fn many_sessions_and_requests_share_a_connection() {
    let (node, address) = node("{}");
    let gateway = gateway(&towards(&[address]));
    let open = |at| Peer::connect(gateway.web(), &format!("/room/{at}"));
    let mut peers: Vec<_> = (0..50).map(open).collect();
    for (at, peer) in peers.iter_mut().enumerate() {
        talk(peer, &format!("message {at}"));
    }
    assert_eq!(connections(&gateway), 1);
    let opened = node
        .stdout()
        .wait_for("a session", |line| line["opened"] == "/room/7");
    assert_eq!(opened["host"], "chat.example.com");
    assert_eq!(opened["forwarded"], "http");
    let metrics = gateway.metrics();
    assert_eq!(metrics.count("switchyard_endpoint_sessions", &[]), 50);

    let big = vec![0x5A; 1_000_000];
    let first = &mut peers[0];
    first.send(&Frame::binary(big.clone()));
    assert!(first.receive().payload == big);
    for peer in peers {
        peer.close(4002);
    }
    let records = gateway.records(50, "session closed");
    assert!(records.iter().all(|record| record["code"] == 4002));
    gateway.wait_metric("switchyard_endpoint_sessions", &[], 0);
}

#[test]
fn the_client_sees_a_handshake_like_any_other() {
    let (_node, address) = node("{}");
    let gateway = gateway(&towards(&[address]));
    let peer = Peer::connect(gateway.web(), "/");
    assert_eq!(peer.head().status(), 101);
    let accept = peer.head().get("sec-websocket-accept");
    assert!(accept.is_some(), "it is made for the client's key");
    let mut refused = Handshake::to("/refuse").send(gateway.web());
    assert_eq!(Head::read(&mut refused).status(), 403);
}

#[test]
fn another_connection_is_opened_when_one_is_full() {
    let (_node, address) = node(r#"{"streams": 5}"#);
    let gateway = gateway(&towards(&[address]));
    let open = |_| Peer::connect(gateway.web(), "/");
    let mut peers: Vec<_> = (0..12).map(open).collect();
    all_talk(&mut peers, "there?");
    assert_eq!(connections(&gateway), 3);
}

#[test]
fn no_more_connections_are_opened_than_may_be() {
    let (_node, address) = node("{}");
    let limits = "http2: { max_connections: 2, max_concurrent_streams: 3 }";
    let gateway = gateway(&towards(&[address]).cluster(limits));
    let open = |_| Peer::connect(gateway.web(), "/");
    let mut peers: Vec<_> = (0..6).map(open).collect();
    assert_eq!(turned_down(&gateway, "no_stream"), 503);
    peers.pop().expect("one of six").close(1000);
    gateway.wait_metric("switchyard_endpoint_sessions", &[], 5);
    let mut next = Peer::connect(gateway.web(), "/");
    talk(&mut next, "in its place");
    all_talk(&mut peers, "there?");
}

#[test]
fn a_connection_that_its_endpoint_leaves_keeps_its_sessions_and_gets_no_more() {
    let (node, address) = node("{}");
    let gateway = gateway(&towards(&[address]));
    let mut stays = Peer::connect(gateway.web(), "/");
    assert_eq!(get(gateway.web(), "/leave").text(), "1");
    let mut comes = Peer::connect(gateway.web(), "/");
    talk(&mut comes, "over another");
    talk(&mut stays, "over the first");
    node.stdout()
        .wait_for("another connection", |line| line["connection"] == 2);
    stays.close(1000);
}

#[test]
fn a_connection_that_breaks_ends_its_sessions_with_a_cause() {
    let (_node, address) = node("{}");
    let gateway = gateway(&towards(&[address]));
    let mut peers = [(); 3].map(|()| Peer::connect(gateway.web(), "/"));
    assert_eq!(get(gateway.web(), "/break").text(), "1");
    for peer in &mut peers {
        assert_eq!(peer.receive_close().0, 1012);
    }
    let records = gateway.records(3, "session closed");
    for record in records {
        assert_eq!(record["initiator"], "upstream");
        assert_eq!(record["code"], 1006);
    }
    let mut next = Peer::connect(gateway.web(), "/");
    talk(&mut next, "over another");
}

#[test]
fn an_endpoint_without_extended_connect_is_passed_over() {
    let (_without, first) = node(r#"{"extended": false}"#);
    let (_with, second) = node("{}");
    let alone = gateway(&towards(&[first]));
    assert_eq!(turned_down(&alone, "no_extended_connect"), 502);
    assert_eq!(connections(&alone), 1, "requests are another matter");
    let both = gateway(&towards(&[first, second]));
    for _ in 0..4 {
        talk(&mut Peer::connect(both.web(), "/"), "the other");
    }
}

#[test]
fn an_endpoint_that_speaks_http1_is_passed_over() {
    let plain = Endpoint::named("plain");
    let (_node, address) = node("{}");
    let alone = gateway(&towards(&[plain.address()]));
    assert_eq!(turned_down(&alone, "no_http2"), 502);
    let both = gateway(&towards(&[plain.address(), address]));
    for _ in 0..4 {
        talk(&mut Peer::connect(both.web(), "/"), "the other");
    }
}

/// A gateway towards node over TLS, and node.
fn over_tls(options: &str, settings: impl FnOnce(Settings) -> Settings) -> (Gateway, Process) {
    let certificate = Certificate::of(&["localhost"]);
    let folder = tempfile::tempdir().expect("a folder");
    let [cert, key] = ["a.crt", "a.key"].map(|name| folder.path().join(name));
    std::fs::write(&cert, &certificate.pem).expect("written");
    std::fs::write(&key, &certificate.key).expect("written");
    let files = format!(
        r#""cert": "{}", "key": "{}""#,
        cert.display(),
        key.display()
    );
    let (node, address) = node(&format!("{{ {files}{options} }}"));
    let settings =
        settings(towards(&[address])).cluster("tls: { server_name: localhost, ca: a.crt }");
    let files = [("a.crt", certificate.pem.as_str())];
    (Gateway::start_beside(BINARY, &settings, &files), node)
}

#[test]
fn over_tls_it_is_agreed_on_by_alpn() {
    let (gateway, node) = over_tls("", |settings| settings);
    let mut peers = [(); 5].map(|()| Peer::connect(gateway.web(), "/"));
    all_talk(&mut peers, "inside TLS");
    assert_eq!(connections(&gateway), 1);
    node.stdout()
        .wait_for("a session", |line| line["opened"] == "/");
}

#[test]
fn without_extended_connect_sessions_may_have_connections_of_their_own() {
    let fallback =
        |settings: Settings| settings.cluster("http2: { without_extended_connect: http1 }");
    let (gateway, node) = over_tls(r#", "extended": false"#, fallback);
    let mut peers = [(); 2].map(|()| Peer::connect(gateway.web(), "/own"));
    all_talk(&mut peers, "by an upgrade");
    node.stdout()
        .wait_for("an upgrade", |line| line["upgraded"] == "/own");
    assert_eq!(get(gateway.web(), "/").status(), 200);
}

#[test]
fn a_client_that_takes_nothing_does_not_hold_up_the_others() {
    let (_node, address) = node("{}");
    let gateway = gateway(&towards(&[address]));
    let _stalled = [(); 30].map(|()| Peer::connect(gateway.web(), "/flood"));
    let mut talking = [(); 5].map(|()| Peer::connect(gateway.web(), "/"));
    let text = "y".repeat(50_000);
    for _ in 0..20 {
        all_talk(&mut talking, &text);
    }
    assert_eq!(connections(&gateway), 1);
}

#[test]
fn streams_on_either_side() {
    let (_node, address) = node("{}");
    let settings = towards(&[address])
        .listener("http2: on")
        .listener("extended_connect: on");
    let gateway = gateway(&settings);
    let connection = Http2::over(&Socket::connect(gateway.web()));
    let open = |_| connection.websocket("/", &[]).expect("a session");
    let mut peers: Vec<_> = (0..20).map(open).collect();
    for (at, peer) in peers.iter_mut().enumerate() {
        talk(peer, &format!("message {at}"));
    }
    assert_eq!(connection.get("/").text(), "1");
}

#[test]
fn endpoints_are_probed_in_http2() {
    for health in ["websocket: { path: / }", "http: { path: /, expect: 200 }"] {
        let (node, address) = node("{}");
        let health = format!("health: {{ {health}, interval: 50ms, unhealthy_after: 1 }}");
        let gateway = gateway(&towards(&[address]).cluster(&health));
        gateway.wait_metric("switchyard_endpoint_up", &[], 1);
        drop(node);
        gateway.wait_metric("switchyard_endpoint_up", &[], 0);
    }
    // One that has no extended CONNECT cannot be asked for a WebSocket.
    let (_node, address) = node(r#"{"extended": false}"#);
    let health = "health: { websocket: { path: / }, interval: 50ms, unhealthy_after: 1 }";
    let gateway = gateway(&towards(&[address]).cluster(health));
    let labels = [("result", "handshake")];
    switchyard_testkit::eventually("a probe that fails", || {
        let metrics = gateway.metrics();
        let failed = metrics.count("switchyard_endpoint_probes_total", &labels);
        (failed > 0).then_some(())
    });
}

#[test]
fn bodies_stream_both_ways() {
    let backend = Endpoint::serve(|mut socket| {
        while let Some(request) = Head::next(&mut socket) {
            let body = switchyard_testkit::head::read_body(&mut socket, &request);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            socket.send(head.as_bytes());
            socket.send(&body);
        }
    });
    // Another gateway is the endpoint: one that speaks HTTP/2 itself.
    let settings = Settings::to(&[backend.address()])
        .listener("http2: on")
        .listener("extended_connect: on");
    let behind = gateway(&settings);
    let before = gateway(&towards(&[behind.web()]));
    let body = vec![0x42; 300_000];
    let mut socket = Socket::connect(before.web());
    let head = format!(
        "POST / HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.send(head.as_bytes());
    socket.send(&body);
    let answer = switchyard_testkit::Response::read(&mut socket);
    assert_eq!(answer.status(), 200);
    assert!(answer.body == body);
}

#[test]
fn a_gateway_is_an_endpoint_too() {
    let backend = Endpoint::serve(|mut socket| {
        let Some(request) = Head::next(&mut socket) else {
            return;
        };
        let answer = switchyard_testkit::handshake::accept(&request, &[]);
        socket.send(&answer);
        echo(Peer::new(
            socket,
            switchyard_testkit::peer::Role::Endpoint,
            request,
        ));
    });
    let settings = Settings::to(&[backend.address()])
        .listener("http2: on")
        .listener("extended_connect: on");
    let behind = gateway(&settings);
    let before = gateway(&towards(&[behind.web()]));
    let mut peers = [(); 10].map(|()| Peer::connect(before.web(), "/"));
    all_talk(&mut peers, "through both");
    let labels = [("route", "main"), ("protocol", "h2")];
    behind.wait_metric("switchyard_sessions", &labels, 10);
    let listener = [("listener", "web")];
    let metrics = behind.metrics();
    assert_eq!(
        metrics.count("switchyard_listener_connections", &listener),
        1
    );
}
