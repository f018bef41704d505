//! Load stays level: popular keys are split, whoever comes is given its share little by little, and
//! handshakes queue.

use std::collections::BTreeMap;

use serde_json::Value;
use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod};
use switchyard_testkit::peer::Role;
use switchyard_testkit::{Endpoint, Gateway, Handshake, Head, Peer, Settings, Socket, handshake};

use crate::support::{Stage, gateway};

/// How many of these sessions each endpoint has.
fn by_endpoint(sessions: &[Peer]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for session in sessions {
        let name = session.head().get("x-endpoint").expect("a name");
        *counts.entry(name).or_default() += 1;
    }
    counts
}

fn sessions(gateway: &Gateway, count: usize) -> Vec<Peer> {
    (0..count)
        .map(|_| Peer::connect(gateway.web(), "/rooms/lobby"))
        .collect()
}

#[test]
fn a_popular_key_is_split_at_the_bound() {
    let endpoints = ["a", "b", "c"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    for balancer in ["rendezvous", "maglev"] {
        let settings = Settings::to(&addresses)
            .matching("path: \"/rooms/{room}\"")
            .route("affinity: [{ path: room }]")
            .cluster(&format!("balancer: {balancer}"))
            .cluster("bounded_load: 1.5");
        let gateway = gateway(&settings);
        let open = sessions(&gateway, 30);
        let mut counts: Vec<_> = by_endpoint(&open).into_values().collect();
        counts.sort_unstable();
        // A share of 30 is 10, and the bound half of it more: the key's first two are filled to it.
        assert_eq!(counts, [15, 15], "{balancer}");
        let overflow = [("result", "overflow")];
        let moved = gateway
            .metrics()
            .count("switchyard_affinity_total", &overflow);
        assert_eq!(moved, 15);
    }
}

/// What `/clusters` says of the endpoints.
fn said(gateway: &Gateway) -> Vec<Value> {
    let answer = gateway.ask_admin("/clusters");
    let said: Value = serde_json::from_str(answer.text()).expect("JSON");
    let endpoints = said["clusters"][0]["endpoints"].as_array();
    endpoints.expect("a list").clone()
}

#[test]
fn whoever_joins_others_is_given_its_share_little_by_little() {
    let (old, new) = (Endpoint::named("old"), Endpoint::named("new"));
    let server = ApiServer::start();
    let slice = |name: &str, endpoint: &Endpoint| {
        EndpointSlice::new("chat", name, endpoint.address().port()).pod(Pod::ready("127.0.0.1"))
    };
    server.set(&slice("one", &old));
    let watched = format!(
        "kubernetes: {{ namespace: default, service: chat, port: ws, kubeconfig: {} }}",
        server.kubeconfig().display()
    );
    let settings = Settings::looked_up()
        .cluster(&watched)
        .cluster("balancer: round_robin")
        .cluster("slow_start: 1h");
    let gateway = gateway(&settings);
    let joined = |count| {
        let labels = [("cluster", "main")];
        gateway.wait_metric("switchyard_cluster_endpoints", &labels, count);
    };
    joined(1);
    assert_eq!(said(&gateway)[0]["state"], "serving");
    server.set(&slice("two", &new));
    joined(2);
    let states: Vec<_> = said(&gateway)
        .iter()
        .map(|it| it["state"].clone())
        .collect();
    assert!(states.contains(&"warming_up".into()), "{states:?}");
    assert!(states.contains(&"serving".into()), "{states:?}");
    // A tenth of the weight: one turn of eleven.
    let open = sessions(&gateway, 22);
    assert_eq!(by_endpoint(&open), [("new", 2), ("old", 20)].into());
}

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

/// Its sessions in rooms of their own go from one endpoint to two.
fn scaled_up(settings: impl FnOnce(Settings) -> Settings) -> (Gateway, Vec<Peer>, [Endpoint; 2]) {
    let endpoints = ["a", "b"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let by_room = Settings::to(&addresses)
        .matching("path: \"/rooms/{room}\"")
        .route("affinity: [{ path: room }]");
    let gateway = gateway(&settings(by_room));
    let drain = format!(
        "/clusters/main/endpoints/{}/drain?sessions=keep",
        addresses[1]
    );
    let order = |method| {
        let mut socket = Socket::connect(gateway.admin());
        let head = format!("{method} {drain} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        socket.send(head.as_bytes());
        Head::read(&mut socket).status()
    };
    assert_eq!(order("POST"), 202);
    let open = (0..20).map(|room| Peer::connect(gateway.web(), &format!("/rooms/{room}")));
    let open: Vec<_> = open.collect();
    assert_eq!(by_endpoint(&open), [("a", 20)].into());
    assert_eq!(order("DELETE"), 200);
    (gateway, open, endpoints)
}

/// What a dry run says: how many would be asked.
fn would_ask(gateway: &Gateway) -> (bool, u64) {
    let answer = gateway.ask_admin("/clusters/main/rebalance");
    let said: Value = serde_json::from_str(answer.text()).expect("JSON");
    (
        said["enabled"].as_bool().expect("yes or no"),
        said["would_ask"].as_u64().expect("a number"),
    )
}

#[test]
fn sessions_whose_owner_has_come_are_asked_to_come_again() {
    let (gateway, open, _endpoints) =
        scaled_up(|it| it.cluster("rebalance: { sessions_per_second: 100 }"));
    let asked = [
        ("reason", "rebalanced"),
        ("initiator", "gateway"),
        ("code", "1012"),
    ];
    let mut level = BTreeMap::new();
    for (room, session) in open.into_iter().enumerate() {
        let again = Peer::connect(gateway.web(), &format!("/rooms/{room}"));
        let owner = again.head().get("x-endpoint").expect("a name").to_owned();
        if owner == "b" {
            assert_eq!(session.answer_close(), 1012);
        } else {
            level.insert(room, session);
        }
    }
    let moved = 20 - level.len() as u64;
    assert!(moved > 0, "it owns some");
    gateway.wait_metric("switchyard_session_closes_total", &asked, moved);
    assert_eq!(would_ask(&gateway), (true, 0));
    let metrics = gateway.metrics();
    assert_eq!(
        metrics.count("switchyard_cluster_rebalanced_total", &[]),
        moved
    );
    for session in level.values_mut() {
        session.send_text("still here");
        assert_eq!(session.receive_text(), "still here");
    }
}

#[test]
fn without_rebalancing_sessions_stay_and_a_dry_run_says_who_would_go() {
    let (gateway, mut open, _endpoints) = scaled_up(|it| it);
    let (enabled, count) = would_ask(&gateway);
    assert!(!enabled && count > 0, "{count}");
    for session in &mut open {
        session.send_text("still here");
        assert_eq!(session.receive_text(), "still here");
    }
    assert_eq!(gateway.ask_admin("/clusters/other/rebalance").status(), 404);
}
