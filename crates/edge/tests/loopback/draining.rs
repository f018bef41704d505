//! What becomes of connections and requests when the worker drains.

use switchyard_drain::Phase;

use crate::client::{Endpoint, Peer, handshake, switching};
use crate::gateway::{DEADLINE, Gateway};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(GET).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server.send(OK).await;
    client.head().await;
    assert_eq!(client.take(2).await, b"ok");
    gateway.advance(Phase::Draining);
    assert_eq!(client.rest().await, "");
    gateway
        .until_metric("switchyard_listener_connections", 0)
        .await;
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_the_last() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(GET).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    gateway.advance(Phase::Draining);
    server.send(OK).await;
    assert_eq!(client.head().await.field("connection"), Some("close"));
    assert_eq!(client.rest().await, "ok");
}

#[tokio::test]
async fn a_handshake_that_comes_now_is_told_to_come_back() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    gateway
        .until_metric("switchyard_listener_connections", 1)
        .await;
    gateway.advance(Phase::Draining);
    client.send(handshake("/ws", "")).await;
    let head = client.head().await;
    assert_eq!(head.status(), 503);
    let seconds: u64 = head.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    assert_eq!(head.field("connection"), Some("close"));
    assert!(endpoint.is_left_alone());
}

#[tokio::test]
async fn a_handshake_in_flight_does_not_become_a_session() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    gateway.advance(Phase::Draining);
    server.send(switching("")).await;
    assert_eq!(client.head().await.status(), 503);
    assert_eq!(server.rest().await, "");
}

#[tokio::test]
async fn nothing_new_is_accepted() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    gateway
        .until_metric("switchyard_listener_connections", 1)
        .await;
    gateway.advance(Phase::Draining);
    // The answer says that the worker has seen the phase.
    client.send(handshake("/ws", "")).await;
    client.rest().await;
    let refused = tokio::net::TcpStream::connect(gateway.address).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn who_waits_in_the_queue_is_let_in() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    // Nothing here has let the gateway run: the connection is made by the system alone.
    let waiting = std::net::TcpStream::connect(gateway.address).unwrap();
    gateway.advance(Phase::Draining);
    let mut client = Peer::adopt(waiting);
    client.send(handshake("/ws", "")).await;
    assert_eq!(client.head().await.status(), 503);
}

#[tokio::test]
async fn leaving_is_still_serving() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    gateway.advance(Phase::Leaving);
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server.send(switching("")).await;
    assert_eq!(client.head().await.status(), 101);
}

#[tokio::test]
async fn a_cut_ends_a_request_in_flight() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(GET).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    gateway.advance(Phase::Cut);
    assert_eq!(client.rest().await, "");
    assert_eq!(server.rest().await, "");
    let series = "switchyard_http_requests_total{method=\"read\",route=\"all\",status=\"503\"}";
    gateway.until_metric(series, 1).await;
}

#[tokio::test]
async fn a_plain_request_that_comes_now_is_answered_and_the_last() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    gateway
        .until_metric("switchyard_listener_connections", 1)
        .await;
    gateway.advance(Phase::Draining);
    client.send(GET).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server.send(OK).await;
    assert_eq!(client.head().await.field("connection"), Some("close"));
    assert_eq!(client.rest().await, "ok");
}

/// Its queue is another process's then, which is not there in this test.
#[tokio::test]
async fn who_is_relieved_accepts_no_more_and_serves_who_was_let_in() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    gateway
        .until_metric("switchyard_listener_connections", 1)
        .await;
    gateway.relieve();
    let refused = async {
        while tokio::net::TcpStream::connect(gateway.address)
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, refused).await.unwrap();
    client.send(handshake("/ws", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server.send(switching("")).await;
    assert_eq!(client.head().await.status(), 101);
    assert_eq!(gateway.registry.len(), 1);
}

#[tokio::test]
async fn an_answer_is_the_last_of_its_connection_where_another_process_accepts() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut client = gateway.connect().await;
    client.send(GET).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    gateway.relieve();
    server.send(OK).await;
    assert_eq!(client.head().await.field("connection"), Some("close"));
    assert_eq!(client.rest().await, "ok");
}
