//! Ordinary requests.

use crate::client::{Endpoint, Peer};
use crate::gateway::Gateway;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")
}

/// Takes the answer `ok`.
async fn assert_ok(client: &mut Peer) {
    let head = client.head().await;
    assert_eq!(head.status(), 200);
    assert_eq!(client.take(2).await, b"ok");
}

#[tokio::test]
async fn connections_of_both_sides_are_kept() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(get("/1", "")).await;
    let mut server = endpoint.accept().await;
    for (target, next) in [("/1", "/2"), ("/2", "/3"), ("/3", "/4")] {
        assert_eq!(server.head().await.first, format!("GET {target} HTTP/1.1"));
        server.send(OK).await;
        assert_ok(&mut client).await;
        client.send(get(next, "")).await;
    }
    assert_eq!(
        gateway.metric("switchyard_listener_connections_total"),
        Some(1)
    );
    gateway
        .until_metric("switchyard_http_requests_total", 3)
        .await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send([get("/1", ""), get("/2", "")].concat()).await;
    let mut server = endpoint.accept().await;
    for target in ["/1", "/2"] {
        assert_eq!(server.head().await.first, format!("GET {target} HTTP/1.1"));
        server.send(OK).await;
        assert_ok(&mut client).await;
    }
}

#[tokio::test]
async fn fields_of_either_connection_stay_on_it() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    let fields =
        "Connection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\nExpect: 100-continue\r\n";
    client.send(get("/x", fields)).await;
    let mut server = endpoint.accept().await;
    let head = server.head().await;
    for absent in ["connection", "x-mine", "te", "expect"] {
        assert_eq!(head.field(absent), None, "{absent}");
    }
    assert_eq!(head.field("host"), Some("a.example"));
    server
        .send(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\nKeep-Alive: x\r\n\r\nok",
        )
        .await;
    let head = client.head().await;
    assert_eq!(head.field("keep-alive"), None);
    assert_eq!(head.field("connection"), Some("close"));
    assert_eq!(client.rest().await, "ok");
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\none")
        .await;
    let mut server = endpoint.accept().await;
    assert_eq!(server.head().await.field("content-length"), Some("6"));
    assert_eq!(server.take(3).await, b"one");
    client.send("two").await;
    assert_eq!(server.take(3).await, b"two");
    server
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await;
    assert_eq!(
        client.head().await.field("transfer-encoding"),
        Some("chunked")
    );
    assert_eq!(client.until(b"abc\r\n").await, b"3\r\nabc\r\n");
    server.send("0\r\n\r\n").await;
    assert_eq!(client.until(b"\r\n\r\n").await, b"0\r\n\r\n");
}

#[tokio::test]
async fn a_chunked_request_is_the_last_of_its_connection() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n0\r\n\r\n";
    client.send([request, &get("/next", "")].concat()).await;
    let mut server = endpoint.accept().await;
    assert_eq!(
        server.head().await.field("transfer-encoding"),
        Some("chunked")
    );
    assert_eq!(server.until(b"0\r\n\r\n").await, b"3\r\nabc\r\n0\r\n\r\n");
    server.send(OK).await;
    assert_eq!(client.head().await.field("connection"), Some("close"));
    assert_eq!(client.rest().await, "ok");
    assert!(endpoint.is_left_alone());
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(client.head().await.first, "HTTP/1.1 100 Continue");
    client.send("abc").await;
    let mut server = endpoint.accept().await;
    assert_eq!(server.head().await.field("expect"), None);
    assert_eq!(server.take(3).await, b"abc");
    server.send(OK).await;
    assert_ok(&mut client).await;
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_not_asked_for() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config("    http: { max_body: 1KiB }"));
    let request =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\nExpect: 100-continue\r\n\r\n";
    let answer = gateway.ask_once(request).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"),
        "{answer}"
    );
    assert!(endpoint.is_left_alone());
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_cut_off() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config("    http: { max_body: 4B }"));
    let mut client = gateway.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .await;
    let mut server = endpoint.accept().await;
    server.head().await;
    assert_eq!(server.until(b"abc\r\n").await, b"3\r\nabc\r\n");
    client.send("2\r\nde\r\n").await;
    assert_eq!(client.head().await.status(), 413);
    assert_eq!(server.rest().await, "");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config("    http: { max_body: 3B }"));
    let mut client = gateway.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        .await;
    let mut server = endpoint.accept().await;
    server.head().await;
    assert_eq!(server.take(3).await, b"abc");
    server.send(OK).await;
    assert_ok(&mut client).await;
}

#[tokio::test]
async fn a_late_answer_is_a_504_and_a_late_body_a_408() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config("    http: { request_timeout: 50ms }"));
    let mut client = gateway.connect().await;
    client.send(get("/", "")).await;
    assert_eq!(client.head().await.status(), 504);
    let slow = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc";
    let answer = gateway.ask_once(slow).await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_endpoint_that_answers_nonsense_is_a_502() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(get("/", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server.send("nonsense\r\n\r\n").await;
    assert_eq!(client.head().await.status(), 502);
}

#[tokio::test]
async fn a_client_of_http_1_0_is_served_and_closed() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    client
        .send(format!("GET / HTTP/1.0\r\nHost: a\r\n{upgrade}\r\n"))
        .await;
    let mut server = endpoint.accept().await;
    let head = server.head().await;
    assert_eq!(head.first, "GET / HTTP/1.1");
    assert_eq!(head.field("upgrade"), None);
    server.send(OK).await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[tokio::test]
async fn an_endpoint_of_http_1_0_does_not_close_the_clients_connection() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    for _ in 0..2 {
        client.send(get("/", "")).await;
        let mut server = endpoint.accept().await;
        server.head().await;
        server.send(OK.replace("1.1", "1.0")).await;
        let head = client.head().await;
        assert_eq!(head.first, "HTTP/1.1 200 OK");
        assert_eq!(head.field("connection"), None);
        assert_eq!(client.take(2).await, b"ok");
    }
}

#[tokio::test]
async fn an_absolute_target_goes_on_in_origin_form() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client
        .send("GET http://a.example/x?y=1 HTTP/1.1\r\nHost: A.example:80\r\n\r\n")
        .await;
    let mut server = endpoint.accept().await;
    let head = server.head().await;
    assert_eq!(head.first, "GET /x?y=1 HTTP/1.1");
    assert_eq!(head.field("host"), Some("A.example:80"));
}

#[tokio::test]
async fn the_case_of_names_is_kept_where_a_cluster_asks_for_it() {
    let endpoint = Endpoint::bind();
    for (case, expected) in [
        ("lower", "x-mixed-case: 1"),
        ("preserve", "X-Mixed-CASE: 1"),
    ] {
        let config = endpoint
            .config("")
            .replace("name: app,", &format!("name: app, header_case: {case},"));
        let gateway = Gateway::start(&config);
        let mut client = gateway.connect().await;
        client.send(get("/", "X-Mixed-CASE: 1\r\n")).await;
        let mut server = endpoint.accept().await;
        let head = String::from_utf8(server.until(b"\r\n\r\n").await).unwrap();
        assert!(head.contains(expected), "{head}");
    }
}

#[tokio::test]
async fn a_client_that_goes_is_recorded() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(get("/", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    drop(client);
    let series = "switchyard_http_requests_total{method=\"read\",route=\"all\",status=\"499\"}";
    gateway.until_metric(series, 1).await;
    assert_eq!(server.rest().await, "");
}
