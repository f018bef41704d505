//! Plain requests, and handshakes that are turned down.

use http::Request;
use switchyard_testkit::{Head, Http2, Settings, Socket};

use super::Stage;

/// Answers the next request on `socket` with this body; what it was.
pub(super) fn answer(socket: &mut Socket, body: &str) -> Head {
    let head = Head::read(socket);
    let length = body.len();
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: x-private\r\n\
         Keep-Alive: timeout=5\r\nX-Private: 1\r\nX-Public: 2\r\n\r\n{body}"
    );
    socket.send(text.as_bytes());
    head
}

#[test]
fn an_endpoint_gets_a_request_of_http1_and_the_client_no_field_of_a_connection() {
    let stage = Stage::new();
    let connection = stage.connect();
    let (answer, request) = std::thread::scope(|scope| {
        let served = scope.spawn(|| answer(&mut stage.endpoint.accept(), "hello"));
        let request = Request::get("http://chat.example.com/a?b=c")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("te", "trailers")
            .body(Vec::new())
            .expect("a request");
        let answer = connection.ask(request);
        (answer, served.join().expect("it answers"))
    });
    assert_eq!(request.start, "GET /a?b=c HTTP/1.1");
    assert_eq!(request.get("host"), Some("chat.example.com"));
    assert_eq!(request.get("cookie"), Some("a=1; b=2"));
    assert_eq!(request.get("te"), None);
    assert_eq!(request.get("x-forwarded-host"), Some("chat.example.com"));
    assert_eq!(answer.head.status(), 200);
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.head.get("x-public"), Some("2"));
    for name in ["connection", "keep-alive", "x-private"] {
        assert_eq!(answer.head.get(name), None, "{name}");
    }
}

#[test]
fn bodies_stream_both_ways() {
    let stage = Stage::new();
    let connection = stage.connect();
    let upload: Vec<u8> = (0..300_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let echoed = std::thread::scope(|scope| {
        scope.spawn(|| echo_chunked(&mut stage.endpoint.accept()));
        let request = Request::post("http://chat.example.com/").body(upload.clone());
        connection.ask(request.expect("a request"))
    });
    assert_eq!(echoed.head.status(), 200);
    assert!(echoed.body == upload, "{} bytes", echoed.body.len());
}

/// Sends a chunked body back as it came.
fn echo_chunked(socket: &mut Socket) {
    let head = Head::read(socket);
    assert_eq!(head.get("transfer-encoding"), Some("chunked"));
    assert_eq!(head.get("content-length"), None);
    socket.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    loop {
        let size = socket.receive_through(b"\r\n");
        let text = std::str::from_utf8(&size).expect("text").trim();
        let length = usize::from_str_radix(text, 16).expect("a size");
        let chunk = socket.receive_vec(length + 2);
        socket.send(&size);
        socket.send(&chunk);
        if length == 0 {
            return;
        }
    }
}

/// The status of a handshake that is turned down, and the reason that is counted.
#[track_caller]
fn turned_down(stage: &Stage, connection: &Http2, fields: &[(&str, &str)], reason: &str) -> u16 {
    let refused = connection.websocket("/", fields).expect_err("no session");
    let labels = [("result", reason)];
    stage
        .gateway
        .wait_metric("switchyard_handshakes_total", &labels, 1);
    refused.head.status()
}

#[test]
fn handshakes_are_turned_down_one_by_one() {
    let stage = Stage::with(|settings: Settings| {
        settings
            .websocket("allowed_origins: [\"https://good.example\"]")
            .websocket("subprotocols: [chat]")
    });
    let connection = stage.connect();
    let bad = [("origin", "https://bad.example")];
    assert_eq!(turned_down(&stage, &connection, &bad, "origin"), 403);
    let good = ("origin", "https://good.example");
    let other = [good, ("sec-websocket-protocol", "mail")];
    assert_eq!(turned_down(&stage, &connection, &other, "subprotocol"), 400);
    let old = [good, ("sec-websocket-version", "8")];
    assert_eq!(
        turned_down(&stage, &connection, &old, "repeated_version"),
        400
    );

    let client = std::thread::scope(|scope| {
        let agreed = [("Sec-WebSocket-Protocol", "chat")];
        scope.spawn(move || {
            let _peer = stage.endpoint.accept_websocket_with(&agreed);
        });
        let offered = [good, ("sec-websocket-protocol", "mail, chat")];
        connection.websocket("/", &offered).expect("a session")
    });
    assert_eq!(client.head().get("sec-websocket-protocol"), Some("chat"));
}

#[test]
fn an_endpoint_that_declines_is_passed_on() {
    let stage = Stage::new();
    let connection = stage.connect();
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut socket = stage.endpoint.accept();
            Head::read(&mut socket);
            socket.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot here");
        });
        connection.websocket("/", &[]).expect_err("no session")
    });
    assert_eq!(refused.head.status(), 403);
    assert_eq!(refused.text(), "not here");
}

#[test]
fn an_endpoint_that_agrees_to_something_else_opens_no_session() {
    let stage = Stage::new();
    let connection = stage.connect();
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| answer(&mut stage.endpoint.accept(), "a page"));
        connection.websocket("/", &[]).expect_err("no session")
    });
    assert_eq!(refused.head.status(), 502);
    let labels = [("result", "not_switched")];
    let handshakes = "switchyard_handshakes_total";
    stage.gateway.wait_metric(handshakes, &labels, 1);
}

#[test]
fn a_connect_for_something_else_is_not_served() {
    let stage = Stage::new();
    let connection = stage.connect();
    let request = Request::connect("chat.example.com:80").body(Vec::new());
    let answer = connection.ask(request.expect("a request"));
    assert_eq!(answer.head.status(), 501);
}
