//! Drains of a part by order: a listener, a route, a cluster, an endpoint. The rest goes on.

use serde_json::Value;
use switchyard_testkit::{Endpoint, Gateway, Handshake, Head, Peer, Settings, Socket, eventually};

use crate::support::{BINARY, Stage, gateway, order, told};

/// What a handshake is answered.
#[track_caller]
fn status(socket: &mut Socket) -> u16 {
    Head::read(socket).status()
}

/// What a handshake at `target` is answered.
#[track_caller]
fn at(gateway: &Gateway, target: &str) -> u16 {
    status(&mut Handshake::to(target).send(gateway.web()))
}

#[track_caller]
fn talk(peer: &mut Peer) {
    peer.send_text("still here");
    assert_eq!(peer.receive_text(), "still here");
}

/// The state of every drain there is.
#[track_caller]
fn drains(gateway: &Gateway) -> Vec<Value> {
    let drains = told(gateway, "GET", "/drain", 200);
    drains["drains"].as_array().expect("a list").clone()
}

#[track_caller]
fn until_done(gateway: &Gateway) -> Value {
    eventually("it to be done", || {
        let drain = drains(gateway).remove(0);
        (drain["state"] == "done").then_some(drain)
    })
}

/// Two clusters, `main` and `other`, and three routes: to each of them, and to both half and half.
fn two_clusters() -> (Endpoint, Endpoint, Gateway) {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let other = format!(
        "{{ name: other, endpoints: [{{ address: \"{}\" }}] }}",
        b.address()
    );
    let settings = Settings::to(&[a.address()])
        .first_route(
            "{ name: both, match: { path: \"/both/{room}\" }, affinity: [{ path: room }], \
             split: [{ cluster: main, weight: 1 }, { cluster: other, weight: 1 }] }",
        )
        .first_route("{ name: other, cluster: other, match: { path_prefix: /other } }")
        .another_cluster(&other)
        .drain("ready_delay: 0s")
        .drain("over: 0s");
    let gateway = gateway(&settings);
    (a, b, gateway)
}

#[test]
fn a_route_is_drained_and_the_others_go_on() {
    let (_a, _b, gateway) = two_clusters();
    let (mut stays, goes) = (
        Peer::connect(gateway.web(), "/"),
        Peer::connect(gateway.web(), "/other"),
    );
    let begun = told(&gateway, "POST", "/drain?route=other", 202);
    assert_eq!(
        (&begun["scope"], &begun["name"]),
        (&"route".into(), &"other".into())
    );
    assert_eq!(goes.answer_close(), 1012);
    assert_eq!(until_done(&gateway)["total"], 1);
    assert_eq!((at(&gateway, "/other"), at(&gateway, "/")), (503, 101));
    let said = told(&gateway, "GET", "/routes", 200);
    let draining = said["routes"].as_array().expect("a list").iter();
    let draining: Vec<_> = draining.map(|route| &route["draining"]).collect();
    assert_eq!(draining, [false, true, false], "{said}");
    talk(&mut stays);
    assert_eq!(order(&gateway, "GET", "/readyz", "").status(), 200);
    assert_eq!(gateway.metrics().count("switchyard_drain_state", &[]), 0);
    told(&gateway, "DELETE", "/drain?route=other", 200);
    assert_eq!(at(&gateway, "/other"), 101);
}

#[test]
fn a_handshake_under_way_is_turned_away_when_it_would_open() {
    let stage = Stage::with(|settings| settings.drain("ready_delay: 0s"));
    let mut client = Handshake::to("/").send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    told(&stage.gateway, "POST", "/drain?cluster=main", 202);
    until_done(&stage.gateway);
    let accept = switchyard_testkit::handshake::ACCEPT;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    server.send(answer.as_bytes());
    assert_eq!(status(&mut client), 503);
    server.expect_end();
}

#[test]
fn a_cluster_is_drained_and_a_split_goes_to_the_other() {
    let (_a, _b, gateway) = two_clusters();
    let named = |room: u32| {
        let peer = Peer::connect(gateway.web(), &format!("/both/{room}"));
        let name = peer.head().get("x-endpoint").expect("a name").to_owned();
        (room, peer, name)
    };
    let before: Vec<_> = (0..20).map(named).collect();
    let (going, staying): (Vec<_>, Vec<_>) =
        before.into_iter().partition(|(_, _, name)| name == "b");
    assert!(!going.is_empty() && !staying.is_empty());
    told(&gateway, "POST", "/drain?cluster=other", 202);
    let mut rooms = Vec::new();
    for (room, peer, _) in going {
        assert_eq!(peer.answer_close(), 1012);
        rooms.push(room);
    }
    until_done(&gateway);
    assert_eq!((at(&gateway, "/other"), at(&gateway, "/")), (503, 101));
    for room in 0..20 {
        assert_eq!(named(room).2, "a", "room {room}");
    }
    for (_, mut peer, _) in staying {
        talk(&mut peer);
    }
    told(&gateway, "DELETE", "/drain?cluster=other", 200);
    for room in 0..20 {
        let owner = if rooms.contains(&room) { "b" } else { "a" };
        assert_eq!(named(room).2, owner, "room {room} is where it was");
    }
}

#[test]
fn a_listener_is_drained_and_the_other_goes_on() {
    let a = Endpoint::named("a");
    let settings = Settings::to(&[a.address()])
        .drain("ready_delay: 0s")
        .drain("over: 0s");
    let second = "  - name: second\n    address: \"127.0.0.1:0\"\nroutes:\n";
    let yaml = settings.render().replacen("routes:\n", second, 1);
    let gateway = Gateway::start_with(BINARY, &yaml);
    let address = gateway.address("second");
    let (mut stays, goes) = (
        Peer::connect(gateway.web(), "/"),
        Peer::connect(address, "/"),
    );
    told(&gateway, "POST", "/drain?listener=second", 202);
    assert_eq!(goes.answer_close(), 1012);
    let mut refused = Handshake::to("/").send(address);
    assert_eq!((status(&mut refused), at(&gateway, "/")), (503, 101));
    assert_eq!(switchyard_testkit::gateway::get(address, "/").status(), 200);
    talk(&mut stays);
    told(&gateway, "DELETE", "/drain?listener=second", 200);
    talk(&mut Peer::connect(address, "/"));
}

#[test]
fn an_endpoint_that_is_drained_shows_how_far_it_is() {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let settings = Settings::to(&[a.address(), b.address()]).cluster("balancer: round_robin");
    let gateway = gateway(&settings.drain("over: 1h").drain("deadline: 2h"));
    // Half of them are asked at some time within an hour; that all are already is not to be expected.
    let _peers: Vec<_> = (0..16).map(|_| Peer::connect(gateway.web(), "/")).collect();
    let path = format!("/clusters/main/endpoints/{}/drain", a.address());
    told(&gateway, "POST", &path, 202);
    let drain = eventually("its drain", || drains(&gateway).pop());
    assert_eq!(
        (&drain["scope"], &drain["name"], &drain["cluster"]),
        (
            &"endpoint".into(),
            &a.address().to_string().into(),
            &"main".into()
        )
    );
    assert_eq!((&drain["total"], &drain["left"]), (&8.into(), &8.into()));
    assert!(
        drain["eta_seconds"].as_f64().expect("a time") > 3000.0,
        "{drain}"
    );
    told(&gateway, "DELETE", &path, 200);
    assert_eq!(drains(&gateway), Vec::<Value>::new());
}

#[test]
fn several_drains_are_under_way_at_once() {
    let (_a, _b, gateway) = two_clusters();
    let peers = [
        Peer::connect(gateway.web(), "/"),
        Peer::connect(gateway.web(), "/other"),
    ];
    told(
        &gateway,
        "POST",
        "/drain?route=other&over=1h&deadline=2h",
        202,
    );
    told(
        &gateway,
        "POST",
        "/drain?cluster=main&over=1h&deadline=2h",
        202,
    );
    gateway.wait_metric("switchyard_drain_sessions_left", &[], 2);
    assert_eq!(drains(&gateway).len(), 2);
    // One takes nothing of the other back.
    told(&gateway, "DELETE", "/drain?route=other", 200);
    assert_eq!((at(&gateway, "/other"), at(&gateway, "/")), (101, 503));
    gateway.wait_metric("switchyard_drain_sessions_left", &[], 1);
    drop(peers);
}
