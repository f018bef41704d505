//! What is counted of a session, from its 101 to its end.

use switchyard_drain::Phase;
use switchyard_proto::session::Cause;

use crate::client::{Endpoint, Peer, handshake, switching};
use crate::gateway::Gateway;

/// A masked and an unmasked Close 1000.
const CLOSE_FROM_CLIENT: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";
const CLOSE_FROM_ENDPOINT: &[u8] = b"\x88\x02\x03\xe8";

async fn session(gateway: &Gateway, endpoint: &Endpoint) -> (Peer, Peer) {
    let mut client = gateway.connect().await;
    client.send(handshake("/ws", "")).await;
    let mut server = endpoint.accept().await;
    server.head().await;
    server.send(switching("")).await;
    assert_eq!(client.head().await.status(), 101);
    (client, server)
}

#[tokio::test]
async fn every_gauge_rises_and_falls_with_it() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let gauges = [
        "switchyard_listener_connections{",
        "switchyard_sessions{",
        "switchyard_endpoint_sessions{",
    ];
    let (mut client, mut server) = session(&gateway, &endpoint).await;
    for gauge in gauges {
        gateway.until_metric(gauge, 1).await;
    }
    assert_eq!(gateway.registry.len(), 1);
    client.send(CLOSE_FROM_CLIENT).await;
    assert_eq!(
        server.take(CLOSE_FROM_CLIENT.len()).await,
        CLOSE_FROM_CLIENT
    );
    server.send(CLOSE_FROM_ENDPOINT).await;
    assert_eq!(
        client.take(CLOSE_FROM_ENDPOINT.len()).await,
        CLOSE_FROM_ENDPOINT
    );
    drop((client, server));
    for gauge in gauges {
        gateway.until_metric(gauge, 0).await;
    }
    assert!(gateway.registry.is_empty());
    let closes = "switchyard_session_closes_total{code=\"1000\",initiator=\"downstream\",\
                  reason=\"close_frame\",route=\"all\"}";
    gateway.until_metric(closes, 1).await;
    let accepted = "switchyard_handshakes_total{result=\"accepted\",route=\"all\"}";
    assert_eq!(gateway.metric(accepted), Some(1));
}

#[tokio::test]
async fn a_limit_of_the_route_is_the_sessions() {
    for (limits, reason) in [
        ("max_frame: 4B, max_message: off", "frame_too_big"),
        ("max_frame: off, max_message: 4B", "message_too_big"),
    ] {
        let endpoint = Endpoint::bind();
        let gateway = Gateway::start(&endpoint.config(&format!("    websocket: {{ {limits} }}")));
        let (mut client, mut server) = session(&gateway, &endpoint).await;
        client.send(b"\x82\x85\0\0\0\0hello").await;
        // A Close to each side: the client's is not masked, the endpoint's is.
        assert_eq!(client.take(1).await, [0x88]);
        assert_eq!(server.take(1).await, [0x88]);
        drop((client, server));
        let closes = format!(
            "switchyard_session_closes_total{{code=\"1009\",initiator=\"downstream\",\
             reason=\"{reason}\",route=\"all\"}}"
        );
        gateway.until_metric(&closes, 1).await;
    }
}

#[tokio::test]
async fn how_a_session_went_while_draining_is_counted() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let (client, server) = session(&gateway, &endpoint).await;
    drop((client, server));
    gateway.until_metric("switchyard_sessions{", 0).await;
    let left = "switchyard_drain_closed_total{result=\"left\"}";
    assert_eq!(gateway.metric(left), Some(0), "it went before the drain");
    let (client, server) = session(&gateway, &endpoint).await;
    let (asked, _asked_server) = session(&gateway, &endpoint).await;
    gateway.advance(Phase::Draining);
    drop((client, server));
    gateway.until_metric(left, 1).await;
    gateway.registry.cut(Cause::DrainDeadline);
    gateway
        .until_metric("switchyard_drain_closed_total{result=\"cut\"}", 1)
        .await;
    drop(asked);
}
