//! Requests that no endpoint hears of.

use crate::client::{Endpoint, KEY, handshake};
use crate::gateway::Gateway;

/// Asserts that `request` is answered with this status and reason, and reaches no endpoint.
#[track_caller]
fn assert_reason(gateway: &Gateway, reason: &str, count: u64) {
    let unrouted = format!("switchyard_handshakes_total{{result=\"{reason}\",route=\"-\"}}");
    let routed = format!("switchyard_handshakes_total{{result=\"{reason}\",route=\"all\"}}");
    let counted = gateway
        .metric(&unrouted)
        .or_else(|| gateway.metric(&routed));
    assert_eq!(counted, Some(count), "{reason}");
}

async fn refused(route: &str, request: &str) -> (u16, String) {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(route));
    let mut client = gateway.connect().await;
    client.send(request).await;
    let head = client.head().await;
    assert!(endpoint.is_left_alone(), "{request}");
    (head.status(), format!("{head:?}"))
}

async fn status(request: &str) -> u16 {
    refused("", request).await.0
}

#[tokio::test]
async fn what_the_parser_lets_through_is_refused() {
    for (request, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            400,
        ),
        ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
    ] {
        assert_eq!(status(request).await, expected, "{request}");
    }
}

#[tokio::test]
async fn a_body_with_two_lengths_is_refused_in_either_order() {
    let (length, encoding) = ("Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n");
    for fields in [[length, encoding], [encoding, length]] {
        let endpoint = Endpoint::bind();
        let gateway = Gateway::start(&endpoint.config(""));
        let fields = fields.concat();
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n0\r\n\r\n{smuggled}");
        let answer = gateway.ask_once(&request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert!(endpoint.is_left_alone());
    }
}

#[tokio::test]
async fn a_handshake_with_a_body_is_refused_and_its_connection_closed() {
    for fields in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let endpoint = Endpoint::bind();
        let gateway = Gateway::start(&endpoint.config(""));
        let answer = gateway.ask_once(&handshake("/ws", fields)).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert_reason(&gateway, "body_on_upgrade", 1);
        assert!(endpoint.is_left_alone());
    }
}

#[tokio::test]
async fn another_version_is_told_the_right_one() {
    let request = handshake("/ws", "").replace("Version: 13", "Version: 8");
    let (status, head) = refused("", &request).await;
    assert_eq!(status, 426);
    for field in [
        "(\"sec-websocket-version\", \"13\")",
        "(\"upgrade\", \"websocket\")",
        "(\"connection\", \"upgrade\")",
    ] {
        assert!(head.contains(field), "{head}");
    }
}

#[tokio::test]
async fn a_handshake_is_a_get() {
    let (status, head) = refused("", &handshake("/ws", "").replace("GET", "POST")).await;
    assert_eq!(status, 405);
    assert!(head.contains("(\"allow\", \"GET\")"), "{head}");
}

#[tokio::test]
async fn a_handshake_is_whole() {
    for (part, other) in [
        (format!("Sec-WebSocket-Key: {KEY}\r\n"), ""),
        (KEY.to_owned(), "short"),
        ("Connection: Upgrade\r\n".to_owned(), ""),
    ] {
        assert_eq!(
            status(&handshake("/ws", "").replace(&part, other)).await,
            400,
            "{part}"
        );
    }
}

#[tokio::test]
async fn a_host_that_no_route_has_is_not_found() {
    let endpoint = Endpoint::bind();
    let config = endpoint
        .config("")
        .replace("{ path_prefix: / }", "{ hosts: [b.example] }");
    let gateway = Gateway::start(&config);
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    let head = client.head().await;
    assert_eq!(head.status(), 404);
    assert_eq!(head.field("cache-control"), Some("no-store"));
    assert_eq!(head.field("x-request-id").unwrap().len(), 32);
    assert_reason(&gateway, "no_route", 1);
}

#[tokio::test]
async fn only_listed_origins_connect() {
    let route = "    websocket: { allowed_origins: [\"https://a.example\"] }";
    let other = handshake("/ws", "Origin: https://b.example\r\n");
    assert_eq!(refused(route, &other).await.0, 403);
    assert_eq!(refused(route, &handshake("/ws", "")).await.0, 403);
}

#[tokio::test]
async fn a_client_that_speaks_nothing_of_the_routes_is_told_so() {
    let route = "    websocket: { subprotocols: [chat] }";
    let request = handshake("/ws", "Sec-WebSocket-Protocol: old, older\r\n");
    assert_eq!(refused(route, &request).await.0, 400);
}
