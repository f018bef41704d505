//! Handshakes queue for an endpoint that has as many under way as it may.

use switchyard_testkit::peer::Role;
use switchyard_testkit::{Gateway, Handshake, Head, Peer, Socket, handshake};

use crate::support::Stage;

fn ask(gateway: &Gateway) -> Socket {
    Handshake::to("/").send(gateway.web())
}

#[track_caller]
fn wait_queued(gateway: &Gateway, count: u64) {
    gateway.wait_metric("switchyard_endpoint_queued_handshakes", &[], count);
}

/// The client is told to come back, for this reason.
#[track_caller]
fn refused(gateway: &Gateway, mut client: Socket, reason: &str) {
    let answer = Head::read(&mut client);
    assert_eq!(answer.status(), 503);
    assert!(answer.get("retry-after").is_some());
    let result = [("result", reason)];
    let count = gateway
        .metrics()
        .count("switchyard_handshakes_total", &result);
    assert_eq!(count, 1);
}

#[test]
fn a_handshake_waits_for_its_turn_and_no_more_than_may() {
    let stage = Stage::with(|it| it.cluster("pending_handshakes: { max: 1, queue: 1, wait: 1h }"));
    let first = ask(&stage.gateway);
    let mut socket = stage.endpoint.accept();
    let request = Head::read(&mut socket);
    let second = ask(&stage.gateway);
    wait_queued(&stage.gateway, 1);
    refused(&stage.gateway, ask(&stage.gateway), "endpoints_full");
    assert!(!stage.endpoint.has_more(), "one at a time");
    socket.send(&handshake::accept(&request, &[]));
    let _first = (
        handshake::finish(first),
        Peer::new(socket, Role::Endpoint, request),
    );
    let _second = stage.endpoint.accept_websocket();
    handshake::finish(second);
    wait_queued(&stage.gateway, 0);
    let pending = "switchyard_endpoint_pending_handshakes";
    stage.gateway.wait_metric(pending, &[], 0);
}

#[test]
fn a_handshake_does_not_wait_for_ever() {
    let stage = Stage::with(|it| it.cluster("pending_handshakes: { max: 1, wait: 50ms }"));
    let _first = ask(&stage.gateway);
    let _silent = stage.endpoint.accept();
    refused(&stage.gateway, ask(&stage.gateway), "queue_timeout");
    assert_eq!(
        stage
            .gateway
            .metrics()
            .count("switchyard_endpoint_failures_total", &[]),
        0
    );
}
