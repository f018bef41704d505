//! Endpoints that are dead or slow: the next in order is taken, within `retries`, and only before
//! the handshake was sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use switchyard_testkit::endpoint::Deaf;
use switchyard_testkit::{Endpoint, Gateway, Handshake, Head, Response, Settings};

use crate::support::{Stage, dead_address, gateway};

/// Which endpoint answers a plain request for each of these rooms.
#[track_caller]
fn owners(gateway: &Gateway, rooms: &[String]) -> BTreeMap<String, String> {
    let owner = |room: &String| {
        let answer = switchyard_testkit::gateway::get(gateway.web(), &format!("/rooms/{room}"));
        assert_eq!(answer.status(), 200, "{}", answer.text());
        (room.clone(), answer.text().to_owned())
    };
    rooms.iter().map(owner).collect()
}

fn rooms() -> Vec<String> {
    (0..60).map(|n| format!("room-{n}")).collect()
}

fn by_room(endpoints: &[SocketAddr]) -> Settings {
    Settings::to(endpoints)
        .matching("path: \"/rooms/{room}\"")
        .route("affinity: [{ path: room }]")
}

#[test]
fn only_the_rooms_of_a_dead_endpoint_move() {
    let endpoints = ["a", "b", "c"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let gateway = gateway(&by_room(&addresses).cluster("connect_timeout: 1s"));
    let before = owners(&gateway, &rooms());
    for name in ["a", "b", "c"] {
        assert!(
            before.values().any(|owner| owner == name),
            "{name} owns nothing: {before:?}"
        );
    }
    let [a, ..] = endpoints;
    drop(a);
    let after = owners(&gateway, &rooms());
    for (room, owner) in &before {
        assert!(
            owner == "a" || after[room] == *owner,
            "{room} moved from {owner} to {}",
            after[room]
        );
        assert_ne!(after[room], "a");
    }
    let moved: std::collections::BTreeSet<_> = before
        .iter()
        .filter(|(_, owner)| *owner == "a")
        .map(|(room, _)| &after[room])
        .collect();
    assert_eq!(moved.len(), 2, "its rooms are spread over the others");
    let failovers = gateway
        .metrics()
        .count("switchyard_affinity_total", &[("result", "failover")]);
    assert!(failovers > 0);
}

#[test]
fn two_gateways_agree_whatever_the_order_of_their_endpoints() {
    let endpoints = ["a", "b", "c", "d"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let reversed: Vec<_> = addresses.iter().rev().copied().collect();
    let one = gateway(&by_room(&addresses));
    let other = gateway(&by_room(&reversed));
    assert_eq!(owners(&one, &rooms()), owners(&other, &rooms()));
    // And about who takes over.
    let [_, _, _, d] = endpoints;
    drop(d);
    assert_eq!(owners(&one, &rooms()), owners(&other, &rooms()));
}

#[test]
fn handshakes_fail_over_too() {
    let endpoint = Endpoint::bind();
    let dead = dead_address();
    let gateway =
        gateway(&Settings::to(&[dead, endpoint.address()]).cluster("balancer: round_robin"));
    for _ in 0..4 {
        let socket = Handshake::to("/").send(gateway.web());
        endpoint.accept_websocket();
        switchyard_testkit::handshake::finish(socket);
    }
    assert!(
        gateway
            .metrics()
            .count("switchyard_cluster_retries_total", &[("cluster", "main")])
            >= 1
    );
    let labels = [("endpoint", &*dead.to_string())];
    assert!(
        gateway
            .metrics()
            .count("switchyard_endpoint_failures_total", &labels)
            >= 1
    );
}

#[test]
fn an_endpoint_that_does_not_accept_is_passed_over() {
    let (deaf, endpoint) = (Deaf::bind(), Endpoint::named("live"));
    let settings = Settings::to(&[deaf.address(), endpoint.address()])
        .cluster("balancer: round_robin")
        .cluster("connect_timeout: 200ms");
    let gateway = gateway(&settings);
    for _ in 0..2 {
        let answer = switchyard_testkit::gateway::get(gateway.web(), "/");
        assert_eq!((answer.status(), answer.text()), (200, "live"));
    }
}

#[test]
fn retries_have_an_end() {
    let endpoint = Endpoint::named("live");
    let dead = [dead_address(), dead_address(), dead_address()];
    let all = [&dead[..], &[endpoint.address()]].concat();
    // Weight makes the dead ones come first for nearly every room.
    let settings = by_room(&all).cluster("retries: 0");
    let gateway = gateway(&settings);
    let ask = |room: String| {
        switchyard_testkit::gateway::get(gateway.web(), &format!("/rooms/{room}")).status()
    };
    let statuses: Vec<u16> = rooms().into_iter().map(ask).collect();
    assert!(
        statuses.contains(&502),
        "no room had a dead endpoint first: {statuses:?}"
    );
    assert!(
        statuses.contains(&200),
        "no room had the live endpoint first: {statuses:?}"
    );
    assert_eq!(
        gateway
            .metrics()
            .count("switchyard_cluster_retries_total", &[]),
        0
    );
}

#[test]
fn a_handshake_that_was_sent_is_not_sent_again() {
    let stage = Stage::new();
    let mut client = Handshake::to("/").send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    drop(server);
    assert_eq!(Response::read(&mut client).status(), 502);
    assert!(!stage.endpoint.has_more());
}
