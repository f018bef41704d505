//! Handshakes that an endpoint answers.

use crate::client::{ACCEPT, Endpoint, KEY, config, handshake, switching};
use crate::gateway::Gateway;

/// A masked and an unmasked text frame.
const FROM_CLIENT: &[u8] = b"\x81\x82\x01\x02\x03\x04\x69\x6b";
const FROM_ENDPOINT: &[u8] = b"\x81\x05hello";

#[tokio::test]
async fn bytes_that_come_with_the_handshake_are_not_lost() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client
        .send([handshake("/ws", "").as_bytes(), FROM_CLIENT].concat())
        .await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server
        .send([switching("").as_bytes(), FROM_ENDPOINT].concat())
        .await;
    assert_eq!(client.head().await.status(), 101);
    assert_eq!(client.take(FROM_ENDPOINT.len()).await, FROM_ENDPOINT);
    assert_eq!(server.take(FROM_CLIENT.len()).await, FROM_CLIENT);
}

#[tokio::test]
async fn the_endpoint_gets_the_clients_handshake() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    let fields = "Cookie: a=b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
                  Origin: https://a.example\r\nX-Forwarded-For: 203.0.113.9\r\n\
                  Keep-Alive: timeout=5\r\n";
    client.send(handshake("/ws/%7Bx%7D?token=1", fields)).await;
    let mut server = endpoint.accept().await;
    let head = server.head().await;
    assert_eq!(head.first, "GET /ws/%7Bx%7D?token=1 HTTP/1.1");
    for (name, value) in [
        ("host", "a.example"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", KEY),
        ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("cookie", "a=b"),
        ("origin", "https://a.example"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "a.example"),
        ("forwarded", "for=127.0.0.1;host=\"a.example\";proto=http"),
    ] {
        assert_eq!(head.field(name), Some(value), "{name}");
    }
    assert_eq!(head.field("x-request-id").unwrap().len(), 32);
    for absent in ["keep-alive", "content-length", "transfer-encoding", "via"] {
        assert_eq!(head.field(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn the_client_gets_the_endpoints_101() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    let offer = "Sec-WebSocket-Protocol: chat, old\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate\r\n";
    client.send(handshake("/ws", offer)).await;
    let mut server = endpoint.accept().await;
    assert_eq!(
        server.head().await.field("sec-websocket-protocol"),
        Some("chat, old")
    );
    let answer = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
                  Set-Cookie: sid=7\r\nKeep-Alive: timeout=5\r\nX-Mine: 1\r\nContent-Length: 0\r\n";
    server.send(switching(answer)).await;
    let head = client.head().await;
    assert_eq!(head.first, "HTTP/1.1 101 Switching Protocols");
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", ACCEPT),
        ("sec-websocket-protocol", "chat"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("set-cookie", "sid=7"),
        ("x-mine", "1"),
    ] {
        assert_eq!(head.field(name), Some(value), "{name}");
    }
    assert_eq!(head.field("keep-alive"), None);
    assert_eq!(head.field("content-length"), None);
}

#[tokio::test]
async fn tokens_are_in_lists_and_in_any_case() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client
        .send(format!(
            "GET /ws HTTP/1.1\r\nhost: a.example\r\nCONNECTION: keep-alive, uPgRaDe\r\n\
             Upgrade: h2c, WebSocket\r\nsec-websocket-version: 13\r\n\
             SEC-WEBSOCKET-KEY: {KEY}\r\n\r\n"
        ))
        .await;
    let mut server = endpoint.accept().await;
    let head = server.head().await;
    assert_eq!(head.field("upgrade"), Some("websocket"));
    assert_eq!(head.field("connection"), Some("upgrade"));
    let shouted = switching("")
        .replace("websocket\r", "WEBSOCKET\r")
        .replace(": Upgrade", ": UPGRADE");
    server.send(shouted).await;
    assert_eq!(client.head().await.status(), 101);
}

#[tokio::test]
async fn an_answer_that_is_no_101_goes_back_as_it_is() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    let answer = "HTTP/1.1 401 Go Away\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\
                  Connection: x-secret\r\nX-Secret: 1\r\nSet-Cookie: a=b\r\n\r\nnope";
    server.send(answer).await;
    let head = client.head().await;
    assert_eq!(head.status(), 401);
    assert_eq!(head.field("www-authenticate"), Some("Basic"));
    assert_eq!(head.field("set-cookie"), Some("a=b"));
    assert_eq!(head.field("x-secret"), None);
    assert_eq!(client.take(4).await, b"nope");
    gateway
        .until_metric(
            "switchyard_handshakes_total{result=\"declined\",route=\"all\"}",
            1,
        )
        .await;
    // The connection is still good for another request.
    client
        .send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        .await;
    let mut server = endpoint.accept().await;
    assert_eq!(server.head().await.first, "GET / HTTP/1.1");
}

#[tokio::test]
async fn a_wrong_accept_is_a_502_and_nothing_is_tunnelled() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client
        .send([handshake("/ws", "").as_bytes(), FROM_CLIENT].concat())
        .await;
    let mut server = endpoint.accept().await;
    server.head().await;
    let wrong = switching("").replace(ACCEPT, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    server
        .send([wrong.as_bytes(), FROM_ENDPOINT].concat())
        .await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(!answer.contains("hello"), "{answer}");
    assert!(
        !answer.contains(&endpoint.address().to_string()),
        "{answer}"
    );
    assert_eq!(server.rest().await, "");
    assert_eq!(
        gateway.metric("switchyard_handshakes_total{result=\"bad_handshake\",route=\"all\"}"),
        Some(1)
    );
}

#[tokio::test]
async fn an_extension_that_was_not_offered_is_a_502() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server
        .send(switching(
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        ))
        .await;
    assert_eq!(client.head().await.status(), 502);
}

#[tokio::test]
async fn the_offer_is_narrowed_to_what_the_route_speaks() {
    let endpoint = Endpoint::bind();
    let route = "    websocket: { subprotocols: [chat.v2] }";
    let gateway = Gateway::start(&endpoint.config(route));
    let mut client = gateway.connect().await;
    client
        .send(handshake("/ws", "Sec-WebSocket-Protocol: old, chat.v2\r\n"))
        .await;
    let mut server = endpoint.accept().await;
    assert_eq!(
        server.head().await.field("sec-websocket-protocol"),
        Some("chat.v2")
    );
    // What the client offered and the route does not speak may not be agreed on.
    server
        .send(switching("Sec-WebSocket-Protocol: old\r\n"))
        .await;
    assert_eq!(client.head().await.status(), 502);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_passed_over() {
    let (live, dead) = (Endpoint::bind(), Endpoint::bind());
    let route = "    affinity: [{ header: x-user }]";
    let endpoints = [live.address(), dead.address()];
    let _refusing = dead.go();
    let gateway = Gateway::start(&config(&endpoints, route));
    for user in 0..20 {
        let mut client = gateway.connect().await;
        client
            .send(handshake("/ws", &format!("X-User: {user}\r\n")))
            .await;
        let mut server = live.accept().await;
        server.head().await;
        server.send(switching("")).await;
        assert_eq!(client.head().await.status(), 101);
    }
    let affinity = |result| {
        let series = format!("switchyard_affinity_total{{result=\"{result}\",route=\"all\"}}");
        gateway.metric(&series).unwrap()
    };
    let (owner, failover) = (affinity("owner"), affinity("failover"));
    assert!(owner > 0 && failover > 0, "{owner} {failover}");
    assert_eq!(owner + failover, 20);
    assert_eq!(
        gateway.metric("switchyard_cluster_retries_total"),
        Some(failover)
    );
}

#[tokio::test]
async fn no_endpoint_that_can_be_reached_is_a_502() {
    let dead = Endpoint::bind();
    let config = dead.config("");
    let _refusing = dead.go();
    let gateway = Gateway::start(&config);
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    assert_eq!(client.head().await.status(), 502);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_a_504() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config("    http: { request_timeout: 50ms }"));
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    assert_eq!(client.head().await.status(), 504);
    assert_eq!(server.rest().await, "");
}
