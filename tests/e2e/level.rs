//! Load stays level: popular keys are split, whoever comes is given its share little by little and gets
//! sessions from others, and zones stay by themselves.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod};
use switchyard_testkit::{Endpoint, Gateway, Head, Peer, Settings, Socket};

use crate::support::{BINARY, gateway};

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

/// Drains an endpoint that keeps its sessions, or no longer.
fn order(gateway: &Gateway, method: &str, endpoint: SocketAddr) -> u16 {
    let mut socket = Socket::connect(gateway.admin());
    let path = format!("/clusters/main/endpoints/{endpoint}/drain?sessions=keep");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
    socket.send(head.as_bytes());
    Head::read(&mut socket).status()
}

/// Its sessions in rooms of their own go from one endpoint to two.
fn scaled_up(settings: impl FnOnce(Settings) -> Settings) -> (Gateway, Vec<Peer>, [Endpoint; 2]) {
    let endpoints = ["a", "b"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let by_room = Settings::to(&addresses)
        .matching("path: \"/rooms/{room}\"")
        .route("affinity: [{ path: room }]");
    let gateway = gateway(&settings(by_room));
    assert_eq!(order(&gateway, "POST", addresses[1]), 202);
    let open = (0..20).map(|room| Peer::connect(gateway.web(), &format!("/rooms/{room}")));
    let open: Vec<_> = open.collect();
    assert_eq!(by_endpoint(&open), [("a", 20)].into());
    assert_eq!(order(&gateway, "DELETE", addresses[1]), 200);
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

#[test]
fn the_near_get_all_sessions_until_there_is_none() {
    let (near, far) = (Endpoint::named("near"), Endpoint::named("far"));
    let yaml = format!(
        "zone: here\n\
         listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
         routes: [{{ name: main, cluster: main }}]\n\
         clusters:\n  \
           - name: main\n    \
             endpoints:\n      \
               - {{ address: \"{}\", zone: there }}\n      \
               - {{ address: \"{}\", zone: here }}\n    \
             balancer: round_robin\n    \
             prefer_same_zone: on\n\
         admin: {{ address: \"127.0.0.1:0\" }}\n",
        far.address(),
        near.address()
    );
    let gateway = Gateway::start_with(BINARY, &yaml);
    let open = sessions(&gateway, 6);
    assert_eq!(by_endpoint(&open), [("near", 6)].into());
    let zones: Vec<_> = said(&gateway).iter().map(|it| it["zone"].clone()).collect();
    assert_eq!(zones, ["there", "here"]);
    assert_eq!(order(&gateway, "POST", near.address()), 202);
    let open = sessions(&gateway, 3);
    assert_eq!(by_endpoint(&open), [("far", 3)].into());
}
