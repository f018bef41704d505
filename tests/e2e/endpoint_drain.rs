//! `/clusters`, and the drain of one endpoint by order.

use std::net::SocketAddr;

use serde_json::Value;
use switchyard_testkit::{Endpoint, Gateway, Peer, Settings};

use crate::support::{gateway, order};

fn clusters(gateway: &Gateway) -> Value {
    let answer = order(gateway, "GET", "/clusters", "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    serde_json::from_str(answer.text()).expect("JSON")
}

/// What `/clusters` says of an endpoint.
fn said_of(gateway: &Gateway, endpoint: SocketAddr) -> Value {
    let clusters = clusters(gateway);
    let endpoints = clusters["clusters"][0]["endpoints"].as_array();
    let mut endpoints = endpoints.expect("a list").iter();
    endpoints
        .find(|it| it["endpoint"] == endpoint.to_string())
        .expect("it is there")
        .clone()
}

fn drain_of(endpoint: SocketAddr) -> String {
    format!("/clusters/main/endpoints/{endpoint}/drain")
}

/// Opens sessions in this room, and says whose they are.
fn owner(gateway: &Gateway, room: u32) -> (Peer, String) {
    let peer = Peer::connect(gateway.web(), &format!("/rooms/{room}"));
    let name = peer.head().get("x-endpoint").expect("a name").to_owned();
    (peer, name)
}

fn by_room(endpoints: &[&Endpoint]) -> Gateway {
    let addresses: Vec<_> = endpoints.iter().map(|it| it.address()).collect();
    gateway(
        &Settings::to(&addresses)
            .matching("path: \"/rooms/{room}\"")
            .route("affinity: [{ path: room }]")
            .drain("over: 0s"),
    )
}

#[test]
fn a_drained_endpoint_gives_its_sessions_and_its_keys_away() {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let gateway = by_room(&[&a, &b]);
    let of_a = |(_, name): &(Peer, String)| name == "a";
    let (leaving, _) = (0..100)
        .map(|room| owner(&gateway, room))
        .find(of_a)
        .expect("it owns a room");

    let answer = order(&gateway, "POST", &drain_of(a.address()), "");
    assert_eq!(answer.status(), 202, "{}", answer.text());
    assert_eq!(leaving.answer_close(), 1012);
    let left = [("reason", "endpoint_left"), ("initiator", "gateway")];
    gateway.wait_metric("switchyard_session_closes_total", &left, 1);
    let said = said_of(&gateway, a.address());
    assert_eq!(
        (&said["state"], &said["sessions"]),
        (&"draining".into(), &0.into())
    );
    let label = [("endpoint", &*a.address().to_string())];
    gateway.wait_metric("switchyard_endpoint_draining", &label, 1);
    for room in 0..20 {
        assert_eq!(owner(&gateway, room).1, "b");
    }

    let answer = order(&gateway, "DELETE", &drain_of(a.address()), "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(said_of(&gateway, a.address())["state"], "serving");
    let owners: Vec<_> = (0..20).map(|room| owner(&gateway, room)).collect();
    assert!(owners.iter().any(of_a));
}

#[test]
fn sessions_may_be_kept() {
    let a = Endpoint::named("a");
    let gateway = by_room(&[&a]);
    let (mut stays, _) = owner(&gateway, 1);
    let path = format!("{}?sessions=keep", drain_of(a.address()));
    let answer = order(&gateway, "POST", &path, "");
    assert_eq!(
        (answer.status(), answer.text().trim()),
        (202, r#"{"status":"draining","sessions":1}"#)
    );
    stays.send_text("still here");
    assert_eq!(stays.receive_text(), "still here");
    let mut socket = switchyard_testkit::Handshake::to("/rooms/1").send(gateway.web());
    assert_eq!(switchyard_testkit::Head::read(&mut socket).status(), 503);
}

#[test]
fn clusters_say_how_everyone_is() {
    let (a, full) = (Endpoint::named("a"), Endpoint::named("full"));
    let settings = Settings::to(&[a.address(), full.address()])
        .cluster("balancer: round_robin")
        .cluster("max_sessions_per_endpoint: 1");
    let gateway = gateway(&settings);
    let both = [
        Peer::connect(gateway.web(), "/"),
        Peer::connect(gateway.web(), "/"),
    ];
    let said = clusters(&gateway);
    let cluster = &said["clusters"][0];
    assert_eq!(
        (
            &cluster["name"],
            &cluster["balancer"],
            &cluster["discovery"]
        ),
        (&"main".into(), &"round_robin".into(), &"static".into())
    );
    let said = said_of(&gateway, full.address());
    let expected = serde_json::json!({
        "endpoint": full.address().to_string(), "weight": 1, "zone": null, "state": "full", "health": "unknown",
        "sessions": 1,
    });
    assert_eq!(said, expected);
    drop(both);
}

#[test]
fn what_cannot_be_done_is_said() {
    let a = Endpoint::named("a");
    let gateway = by_room(&[&a]);
    let here = drain_of(a.address());
    for (method, path, fields, status) in [
        (
            "POST",
            "/clusters/none/endpoints/127.0.0.1:1/drain",
            "",
            404,
        ),
        (
            "POST",
            "/clusters/main/endpoints/127.0.0.1:1/drain",
            "",
            404,
        ),
        (
            "DELETE",
            "/clusters/main/endpoints/127.0.0.1:1/drain",
            "",
            404,
        ),
        ("POST", "/clusters/main", "", 404),
        ("GET", &here, "", 405),
        ("POST", "/clusters", "", 405),
        ("POST", &format!("{here}?sessions=cut"), "", 400),
        ("POST", &here, "Origin: http://evil.example.com\r\n", 403),
    ] {
        let answer = order(&gateway, method, path, fields);
        assert_eq!(
            answer.status(),
            status,
            "{method} {path}: {}",
            answer.text()
        );
        assert!(
            answer.text().starts_with("{\"error\":\""),
            "{}",
            answer.text()
        );
    }
    assert_eq!(said_of(&gateway, a.address())["state"], "serving");
    let encoded = here.replace(':', "%3A");
    assert_eq!(order(&gateway, "POST", &encoded, "").status(), 202);
}
