//! Limits of a listener.

use crate::client::{Endpoint, handshake};
use crate::gateway::Gateway;

#[tokio::test]
async fn a_connection_too_many_is_closed() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start_with(", max_connections: 1", &endpoint.config(""));
    let first = gateway.connect().await;
    gateway
        .until_metric("switchyard_listener_connections", 1)
        .await;
    let mut second = gateway.connect().await;
    assert_eq!(second.rest().await, "");
    let rejected =
        "switchyard_listener_rejected_total{listener=\"web\",reason=\"max_connections\"}";
    assert_eq!(gateway.metric(rejected), Some(1));
    drop(first);
    gateway
        .until_metric("switchyard_listener_connections", 0)
        .await;
    let mut third = gateway.connect().await;
    third.send(handshake("/ws", "")).await;
    endpoint.accept().await;
}

#[tokio::test]
async fn a_head_has_to_come_in_time() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start_with(", handshake_timeout: 50ms", &endpoint.config(""));
    for beginning in ["", "G", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        assert_eq!(gateway.ask_once(beginning).await, "", "{beginning:?}");
    }
    gateway
        .until_metric("switchyard_listener_connections", 0)
        .await;
}

#[tokio::test]
async fn a_head_has_an_end() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let long = format!("X-Long: {}\r\n", "x".repeat(17 * 1024));
    let many = "X: 1\r\n".repeat(65);
    for fields in [long, many] {
        let answer = gateway.ask_once(&handshake("/ws", &fields)).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    assert!(endpoint.is_left_alone());
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_counted() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let answer = gateway.ask_once("GET / HTTP/1.1\r\nHost : a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let rejected = "switchyard_listener_rejected_total{listener=\"web\",reason=\"malformed\"}";
    gateway.until_metric(rejected, 1).await;
}
