//! The handshake: what reaches the endpoint, what is refused, and with which answer.

use switchyard_testkit::endpoint::Deaf;
use switchyard_testkit::{
    Endpoint, Gateway, Handshake, Head, Response, Settings, Socket, handshake,
};

use crate::support::{Stage, dead_address, gateway};

/// Sends what is no right handshake; returns the gateway's answer.
#[track_caller]
fn ask(gateway: &Gateway, wrong: &Handshake) -> Response {
    Response::read(&mut wrong.send(gateway.web()))
}

#[test]
fn a_right_one_reaches_the_endpoint() {
    let stage = Stage::new();
    let request = Handshake::to("/rooms/7?user=ada")
        .with("X-Custom", "kept")
        .with("Sec-WebSocket-Protocol", "chat.v2, chat.v1");
    let ends = stage.open_as(&request);
    let seen = ends.server.head();
    assert_eq!(seen.target(), "/rooms/7?user=ada");
    assert_eq!(seen.get("host"), Some("chat.example.com"));
    assert_eq!(seen.get("sec-websocket-version"), Some("13"));
    assert_eq!(seen.get("sec-websocket-protocol"), Some("chat.v2, chat.v1"));
    assert_eq!(seen.get("x-custom"), Some("kept"));
    assert_eq!(seen.get("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.get("x-forwarded-proto"), Some("http"));
    assert!(
        seen.get("x-request-id").is_some_and(|id| !id.is_empty()),
        "{seen:#?}"
    );
}

#[test]
fn tokens_may_come_in_lists_and_in_any_case() {
    let stage = Stage::new();
    let request = Handshake::to("/")
        .but("Upgrade", "h2c, WebSocket")
        .but("Connection", "keep-alive, UPGRADE");
    stage.open_as(&request).talk();
}

#[test]
fn the_endpoints_answer_reaches_the_client() {
    let stage = Stage::new();
    let request = Handshake::to("/").with("Sec-WebSocket-Protocol", "chat.v2, chat.v1");
    let socket = request.send(stage.gateway.web());
    let fields = [("Sec-WebSocket-Protocol", "chat.v1"), ("X-Served-By", "me")];
    stage.endpoint.accept_websocket_with(&fields);
    let client = handshake::finish(socket);
    assert_eq!(client.head().get("sec-websocket-protocol"), Some("chat.v1"));
    assert_eq!(client.head().get("x-served-by"), Some("me"));
    assert_eq!(client.head().get("sec-websocket-extensions"), None);
}

#[test]
fn a_wrong_version_is_told_the_right_one() {
    let stage = Stage::new();
    for wrong in ["8", "12", "14", "x"] {
        let answer = ask(
            &stage.gateway,
            &Handshake::to("/").but("Sec-WebSocket-Version", wrong),
        );
        assert_eq!(answer.status(), 426, "version {wrong}");
        assert_eq!(answer.head.get("sec-websocket-version"), Some("13"));
    }
    let none = ask(
        &stage.gateway,
        &Handshake::to("/").without("Sec-WebSocket-Version"),
    );
    assert_eq!(none.status(), 426);
    assert!(!stage.endpoint.has_more());
}

#[test]
fn wrong_ones_are_refused_before_any_endpoint_sees_them() {
    let stage = Stage::new();
    let right = || Handshake::to("/");
    let wrong = [
        ("not GET", 405, right().start("POST / HTTP/1.1")),
        ("no key", 400, right().without("Sec-WebSocket-Key")),
        (
            "a short key",
            400,
            right().but("Sec-WebSocket-Key", "c2hvcnQ="),
        ),
        (
            "a key that is not base64",
            400,
            right().but("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!=="),
        ),
        (
            "two keys",
            400,
            right().with("Sec-WebSocket-Key", handshake::KEY),
        ),
        ("no Connection", 400, right().without("Connection")),
        (
            "Connection without upgrade",
            400,
            right().but("Connection", "keep-alive"),
        ),
        ("an upgrade to h2c", 400, right().but("Upgrade", "h2c")),
        ("no Host", 400, right().without("Host")),
        ("two Hosts", 400, right().with("Host", "other.example.com")),
        (
            "a Host with a path",
            400,
            right().but("Host", "chat.example.com/x"),
        ),
        (
            "a foreign authority",
            400,
            right().start("GET http://other.example.com/ HTTP/1.1"),
        ),
        ("a body", 400, right().with("Content-Length", "5")),
        (
            "a chunked body",
            400,
            right().with("Transfer-Encoding", "chunked"),
        ),
        (
            "a subprotocol twice",
            400,
            right().with("Sec-WebSocket-Protocol", "a, a"),
        ),
        (
            "no list of extensions",
            400,
            right().with("Sec-WebSocket-Extensions", "a;;="),
        ),
    ];
    for (what, status, handshake) in wrong {
        assert_eq!(ask(&stage.gateway, &handshake).status(), status, "{what}");
    }
    assert!(!stage.endpoint.has_more());
}

#[test]
fn an_unknown_host_or_path_is_404() {
    let stage = Stage::with(|settings| settings.matching("path: \"/rooms/{room}\""));
    for path in ["/", "/rooms/", "/rooms/7/more", "/other"] {
        assert_eq!(
            ask(&stage.gateway, &Handshake::to(path)).status(),
            404,
            "{path}"
        );
    }
    stage.open_as(&Handshake::to("/rooms/7")).talk();
}

#[test]
fn a_foreign_origin_is_403() {
    let origins = "allowed_origins: [\"https://chat.example.com\"]";
    let stage = Stage::with(|settings| settings.websocket(origins));
    let from = |origin| Handshake::to("/").with("Origin", origin);
    assert_eq!(
        ask(&stage.gateway, &from("https://evil.example.com")).status(),
        403
    );
    assert_eq!(
        ask(&stage.gateway, &from("https://chat.example.com.evil.com")).status(),
        403
    );
    stage.open_as(&from("https://chat.example.com")).talk();
}

#[test]
fn subprotocols_that_the_route_does_not_allow_never_reach_the_endpoint() {
    let stage = Stage::with(|settings| settings.websocket("subprotocols: [chat.v2, chat.v1]"));
    let offer = |list| Handshake::to("/").with("Sec-WebSocket-Protocol", list);
    let ends = stage.open_as(&offer("evil, chat.v1"));
    assert_eq!(
        ends.server.head().get("sec-websocket-protocol"),
        Some("chat.v1")
    );
    assert_eq!(ask(&stage.gateway, &offer("evil, other")).status(), 400);
}

#[test]
fn an_answer_that_is_no_101_goes_back_as_it_is() {
    let stage = Stage::new();
    let mut client = Handshake::to("/").send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    server.send(
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 5\r\n\r\nno, u",
    );
    let answer = Response::read(&mut client);
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.head.get("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.text(), "no, u");
}

/// Answers a right handshake with `answer`; returns what the client got, after checking that the
/// gateway hung up on the endpoint and that nothing of what it sent leaked.
#[track_caller]
fn answered_with(stage: &Stage, offer: &Handshake, answer: &str) -> Response {
    let mut client = offer.send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    server.send(answer.as_bytes());
    // A frame right behind it, which must go nowhere.
    let _ = server.try_send(b"\x81\x06secret");
    server.expect_end();
    let response = Response::read(&mut client);
    assert!(
        !response.text().contains("secret"),
        "tunnelled: {response:#?}"
    );
    response
}

#[test]
fn a_101_that_does_not_answer_the_offer_is_502() {
    let stage = Stage::new();
    let offer = Handshake::to("/").with("Sec-WebSocket-Protocol", "chat.v1");
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let accept = format!("Sec-WebSocket-Accept: {}\r\n", handshake::ACCEPT);
    let wrong = [
        (
            "another key's Accept",
            format!("{head}Sec-WebSocket-Accept: {}\r\n\r\n", "x".repeat(28)),
        ),
        ("no Accept", format!("{head}\r\n")),
        (
            "no Upgrade",
            format!("HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\n{accept}\r\n"),
        ),
        (
            "another protocol",
            format!("{head}{accept}Sec-WebSocket-Protocol: chat.v9\r\n\r\n"),
        ),
        (
            "an extension",
            format!("{head}{accept}Sec-WebSocket-Extensions: x-evil\r\n\r\n"),
        ),
    ];
    for (what, answer) in wrong {
        assert_eq!(
            answered_with(&stage, &offer, &answer).status(),
            502,
            "{what}"
        );
    }
    let failures = stage
        .gateway
        .metrics()
        .count("switchyard_endpoint_failures_total", &[]);
    assert_eq!(failures, 5);
}

#[test]
fn an_endpoint_that_hangs_up_is_502() {
    let stage = Stage::new();
    let mut client = Handshake::to("/").send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    drop(server);
    assert_eq!(Response::read(&mut client).status(), 502);
}

#[test]
fn without_a_live_endpoint_it_is_502() {
    let gateway = gateway(&Settings::to(&[dead_address(), dead_address()]));
    assert_eq!(ask(&gateway, &Handshake::to("/")).status(), 502);
    assert!(
        gateway
            .metrics()
            .count("switchyard_cluster_retries_total", &[])
            >= 1
    );
}

#[test]
fn an_endpoint_that_does_not_accept_is_504() {
    let deaf = Deaf::bind();
    let settings = Settings::to(&[deaf.address()]).cluster("connect_timeout: 200ms");
    let gateway = gateway(&settings);
    assert_eq!(ask(&gateway, &Handshake::to("/")).status(), 504);
}

#[test]
fn an_endpoint_that_does_not_answer_is_504() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]).http("request_timeout: 300ms");
    let gateway = gateway(&settings);
    assert_eq!(ask(&gateway, &Handshake::to("/")).status(), 504);
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let stage = Stage::with(|settings| settings.listener("handshake_timeout: 300ms"));
    let mut client = Socket::connect(stage.gateway.web());
    client.send(b"GET / HTTP/1.1\r\nHost: chat.example.com\r\nX-Slow");
    client.drain();
    let mut silent = Socket::connect(stage.gateway.web());
    silent.drain();
    assert!(!stage.endpoint.has_more());
}

#[test]
fn every_refusal_is_counted_by_its_reason() {
    let stage = Stage::new();
    ask(
        &stage.gateway,
        &Handshake::to("/").but("Sec-WebSocket-Version", "12"),
    );
    ask(
        &stage.gateway,
        &Handshake::to("/").without("Sec-WebSocket-Key"),
    );
    stage.open().talk();
    for reason in ["version", "missing_key", "accepted"] {
        let labels = [("result", reason), ("route", "main")];
        stage
            .gateway
            .wait_metric("switchyard_handshakes_total", &labels, 1);
    }
}

#[test]
fn a_handshake_may_follow_requests_on_the_same_connection() {
    let endpoint = Endpoint::named("live");
    let gateway = gateway(&Settings::to(&[endpoint.address()]));
    let mut client = Socket::connect(gateway.web());
    for _ in 0..3 {
        client.send(b"GET /page HTTP/1.1\r\nHost: chat.example.com\r\n\r\n");
        assert_eq!(Response::read(&mut client).text(), "live");
    }
    let mut peer = Handshake::to("/").open_on(client);
    peer.send_text("and now frames");
    assert_eq!(peer.receive_text(), "and now frames");
}

#[test]
fn a_listener_takes_no_more_connections_than_it_may() {
    let stage = Stage::with(|settings| settings.listener("max_connections: 2"));
    let mut first = stage.open();
    let mut second = stage.open();
    let mut third = Socket::connect(stage.gateway.web());
    let _ = third.try_send(&Handshake::to("/").encode());
    let (answer, _) = third.drain();
    assert!(answer.is_empty(), "{:?}", String::from_utf8_lossy(&answer));
    let rejected = [("listener", "web"), ("reason", "max_connections")];
    let name = "switchyard_listener_rejected_total";
    assert_eq!(stage.gateway.metrics().count(name, &rejected), 1);
    first.talk();
    second.talk();
    // A session that ends makes room for another.
    drop(first);
    stage
        .gateway
        .wait_metric("switchyard_listener_connections", &[], 1);
    stage.open().talk();
}
