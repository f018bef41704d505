//! Ends that the gateway begins: its timers and limits, its operator, its own end.

use switchyard_testkit::lines::message;
use switchyard_testkit::{Endpoint, Frame, Gateway, Peer, Response, Settings, Socket};

use super::{Case, both, hear, unchanged};
use crate::reload::asked;
use crate::support::{self, Stage, gateway};

/// Pings, and a peer that may answer late on a busy machine.
fn asking(settings: Settings) -> Settings {
    settings
        .websocket("ping_interval: 50ms")
        .websocket("pong_timeout: 2s")
}

pub(super) const CASES: &[Case] = &[
    Case {
        reason: "idle_timeout",
        initiator: "gateway",
        code: 1001,
        client: Some(1001),
        endpoint: Some(1001),
        settings: |it| it.websocket("idle_timeout: 200ms"),
        end: |_, ends| both(ends),
    },
    Case {
        reason: "max_lifetime",
        initiator: "gateway",
        code: 1001,
        client: Some(1001),
        endpoint: Some(1001),
        settings: |it| it.websocket("max_lifetime: { after: 200ms }"),
        end: |_, ends| both(ends),
    },
    Case {
        reason: "ping_timeout",
        initiator: "gateway",
        code: 1006,
        client: None,
        endpoint: Some(1001),
        settings: asking,
        end: |_, mut ends| {
            let endpoint = hear(&mut ends.server);
            // Nothing but Pings was for it.
            (hear(&mut ends.client), endpoint)
        },
    },
    Case {
        reason: "ping_timeout",
        initiator: "gateway",
        code: 1006,
        client: Some(1012),
        endpoint: None,
        settings: asking,
        end: |_, mut ends| {
            let client = hear(&mut ends.client);
            (client, hear(&mut ends.server))
        },
    },
    Case {
        reason: "frame_too_big",
        initiator: "downstream",
        code: 1009,
        client: Some(1009),
        endpoint: Some(1009),
        settings: |it| it.websocket("max_frame: 1KiB"),
        end: |_, mut ends| {
            ends.client.send(&Frame::binary(vec![0; 1025]));
            both(ends)
        },
    },
    Case {
        reason: "message_too_big",
        initiator: "upstream",
        code: 1009,
        client: Some(1009),
        endpoint: Some(1009),
        settings: |it| it.websocket("max_message: 1KiB"),
        end: |_, mut ends| {
            ends.server.send(&Frame::binary(vec![0; 1000]).unfinished());
            ends.server.send(&Frame::continuation(vec![0; 100]));
            both(ends)
        },
    },
    Case {
        reason: "endpoint_left",
        initiator: "gateway",
        code: 1012,
        client: Some(1012),
        endpoint: Some(1012),
        settings: |it| it.drain("over: 0s"),
        end: |stage, ends| {
            let endpoint = stage.endpoint.address().to_string();
            order(&stage.gateway, "POST", &endpoint, "");
            both(ends)
        },
    },
    Case {
        reason: "admin",
        initiator: "gateway",
        code: 1001,
        client: Some(1001),
        endpoint: Some(1001),
        settings: unchanged,
        end: |stage, ends| {
            let all = "/sessions?all=true&code=1001&over=0s";
            let answer = support::order(&stage.gateway, "DELETE", all, "");
            assert_eq!(answer.status(), 202, "{}", answer.text());
            both(ends)
        },
    },
    Case {
        reason: "reload",
        initiator: "gateway",
        code: 1012,
        client: Some(1012),
        endpoint: Some(1012),
        settings: asked,
        end: |stage, ends| {
            let yaml = std::fs::read_to_string(stage.gateway.config()).expect("a file");
            let route = "- name: main\n    cluster";
            assert!(yaml.contains(route), "{yaml}");
            stage
                .gateway
                .rewrite_with(&yaml.replace(route, "- name: other\n    cluster"));
            stage.gateway.hang_up();
            both(ends)
        },
    },
];

/// What is driven by tests of its own.
pub(super) const ALONE: [&str; 3] = ["drain", "shutdown", "rebalanced"];

#[track_caller]
fn order(gateway: &Gateway, method: &str, endpoint: &str, query: &str) {
    let mut socket = Socket::connect(gateway.admin());
    let path = format!("/clusters/main/endpoints/{endpoint}/drain{query}");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
    socket.send(head.as_bytes());
    let answer = Response::read(&mut socket);
    assert!(matches!(answer.status(), 200 | 202), "{}", answer.text());
}

#[test]
fn are_told_alike() {
    for case in CASES {
        case.check();
    }
}

/// Its metrics can be asked for while another session does not go.
#[test]
fn a_drain() {
    let stage = Stage::with(|it| {
        let it = it
            .drain("ready_delay: 0s")
            .drain("over: 0s")
            .drain("deadline: 1h");
        it.websocket("close_timeout: 1h")
    });
    let (first, _stays) = (stage.open(), stage.open());
    let opened = stage.gateway.records(1, "session opened").remove(0);
    stage.gateway.terminate();
    assert_eq!(both(first), (Some(1012), Some(1012)));
    let closed = stage.gateway.closed();
    assert_eq!(closed["session"], opened["session"]);
    assert_eq!(closed["reason"], "drain", "{closed}");
    assert_eq!(
        (&closed["initiator"], &closed["code"]),
        (&"gateway".into(), &1012.into())
    );
    let labels = [
        ("reason", "drain"),
        ("initiator", "gateway"),
        ("code", "1012"),
    ];
    stage
        .gateway
        .wait_metric("switchyard_session_closes_total", &labels, 1);
    let all = stage
        .gateway
        .metrics()
        .count("switchyard_session_closes_total", &[]);
    assert_eq!(all, 1);
}

/// Nobody can ask for metrics any more.
#[test]
fn a_second_signal() {
    let mut stage = Stage::with(|it| it.drain("ready_delay: 1h"));
    let ends = stage.open();
    stage.gateway.terminate();
    stage
        .gateway
        .log()
        .wait_for("the first signal", |line| message(line, "leaving"));
    stage.gateway.terminate();
    assert_eq!(both(ends), (None, None));
    stage.gateway.wait_exit();
    let log = stage.gateway.log().to_end();
    let closed: Vec<_> = log
        .iter()
        .filter(|line| message(line, "session closed"))
        .collect();
    assert_eq!(closed.len(), 1, "{closed:#?}");
    assert_eq!(closed[0]["reason"], "shutdown");
    assert_eq!(
        (&closed[0]["initiator"], &closed[0]["code"]),
        (&"gateway".into(), &1006.into())
    );
}

/// A session whose key is another endpoint's, which was away when it came.
#[test]
fn a_level_cluster() {
    let endpoints = ["a", "b"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let settings = Settings::to(&addresses)
        .matching("path: \"/rooms/{room}\"")
        .route("affinity: [{ path: room }]")
        .cluster("rebalance: { sessions_per_second: 100 }");
    let gateway = gateway(&settings);
    let away = addresses[1].to_string();
    let owned = (0..100).find(|room| {
        let peer = Peer::connect(gateway.web(), &format!("/rooms/{room}"));
        let owner = peer.head().get("x-endpoint").map(str::to_owned);
        peer.close(1000);
        owner.as_deref() == Some("b")
    });
    order(&gateway, "POST", &away, "?sessions=keep");
    let owned = owned.expect("it owns some");
    let path = format!("/rooms/{owned}");
    let mut client = Peer::connect(gateway.web(), &path);
    assert_eq!(client.head().get("x-endpoint"), Some("a"));
    order(&gateway, "DELETE", &away, "?sessions=keep");
    assert_eq!(hear(&mut client), Some(1012));
    let closed = gateway
        .log()
        .wait_for("the record", |line| line["reason"] == "rebalanced");
    assert_eq!(
        (&closed["initiator"], &closed["code"]),
        (&"gateway".into(), &1012.into())
    );
    let labels = [
        ("reason", "rebalanced"),
        ("initiator", "gateway"),
        ("code", "1012"),
    ];
    gateway.wait_metric("switchyard_session_closes_total", &labels, 1);
    // Those that came to find it, and this one.
    gateway.wait_metric("switchyard_session_closes_total", &[], owned + 2);
}
