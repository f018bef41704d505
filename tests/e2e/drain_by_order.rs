//! A drain of the whole gateway by order: begun, watched, taken back; and the process's own over it.

use std::sync::mpsc::channel;

use serde_json::Value;
use switchyard_testkit::{
    Endpoint, Gateway, Handshake, Head, PATIENCE, Peer, Response, Settings, Socket, eventually,
};

use crate::support::{Stage, gateway, order, told};

fn behind(endpoint: &Endpoint) -> Gateway {
    let settings = Settings::to(&[endpoint.address()]).drain("ready_delay: 0s");
    gateway(&settings.drain("over: 0s"))
}

/// What a handshake is answered that does not become a session.
#[track_caller]
fn refused(gateway: &Gateway) -> Head {
    let mut socket = Handshake::to("/").send(gateway.web());
    let head = Head::read(&mut socket);
    assert_eq!(head.status(), 503, "{head:?}");
    head
}

/// The only drain there is, once it is in this state.
#[track_caller]
fn until(gateway: &Gateway, state: &str) -> Value {
    eventually(&format!("a drain that is {state}"), || {
        let drains = told(gateway, "GET", "/drain", 200);
        let drain = drains["drains"][0].clone();
        (drain["state"] == state).then_some(drain)
    })
}

/// Says something and hears it back.
#[track_caller]
fn talk(peer: &mut Peer) {
    peer.send_text("still here");
    assert_eq!(peer.receive_text(), "still here");
}

#[test]
fn sessions_go_new_ones_are_turned_away_and_requests_are_served() {
    let a = Endpoint::named("a");
    let gateway = behind(&a);
    let peers = [0, 1, 2].map(|_| Peer::connect(gateway.web(), "/"));
    let begun = told(&gateway, "POST", "/drain", 202);
    assert_eq!(
        (&begun["scope"], &begun["name"]),
        (&"gateway".into(), &Value::Null)
    );
    for peer in peers {
        assert_eq!(peer.answer_close(), 1012);
    }
    let done = until(&gateway, "done");
    assert_eq!(
        (&done["total"], &done["asked"], &done["left"]),
        (&3.into(), &3.into(), &0.into())
    );
    let head = refused(&gateway);
    let seconds: u64 = head.get("retry-after").expect("when").parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    assert_eq!(
        switchyard_testkit::gateway::get(gateway.web(), "/").status(),
        200
    );
    let ready = order(&gateway, "GET", "/readyz", "");
    assert_eq!(
        (ready.status(), ready.text().trim()),
        (503, r#"{"status":"draining"}"#)
    );
    gateway.wait_metric("switchyard_handshakes_total", &[("result", "drained")], 1);
    gateway.wait_metric("switchyard_session_closes_total", &[("reason", "drain")], 3);
    gateway.wait_metric("switchyard_drain_closed_total", &[("result", "clean")], 3);
    gateway.wait_metric("switchyard_drain_state", &[], 2);

    let cancelled = told(&gateway, "DELETE", "/drain", 200);
    assert_eq!(cancelled["state"], "cancelled");
    talk(&mut Peer::connect(gateway.web(), "/"));
    assert_eq!(order(&gateway, "GET", "/readyz", "").status(), 200);
    gateway.wait_metric("switchyard_drain_state", &[], 0);
    assert_eq!(
        told(&gateway, "GET", "/drain", 200)["drains"],
        serde_json::json!([])
    );
}

#[test]
fn who_was_not_asked_stays_when_it_is_taken_back() {
    let a = Endpoint::named("a");
    let settings = Settings::to(&[a.address()])
        .drain("ready_delay: 0s")
        .drain("order: oldest_first");
    let gateway = gateway(&settings);
    let mut peers: Vec<_> = (0..8).map(|_| Peer::connect(gateway.web(), "/")).collect();
    told(&gateway, "POST", "/drain?over=30s&deadline=1h", 202);
    let first = peers.remove(0);
    assert_eq!(first.answer_close(), 1012);
    let under_way = until(&gateway, "asking");
    assert!(
        under_way["eta_seconds"].as_f64().expect("a time") > 0.0,
        "{under_way}"
    );
    assert!(under_way["deadline_seconds"].as_f64().expect("a time") > 3000.0);
    gateway.wait_metric("switchyard_drain_state", &[], 2);
    let left = eventually("the sessions that are left", || {
        let left = gateway
            .metrics()
            .count("switchyard_drain_sessions_left", &[]);
        (left > 0 && left < 8).then_some(left)
    });
    assert!(gateway.metrics().get("switchyard_drain_eta_seconds", &[]) > Some(0.0));
    assert!(left <= 7);
    let asked = told(&gateway, "DELETE", "/drain", 200)["asked"].as_u64();
    let asked = usize::try_from(asked.expect("a number")).unwrap();
    for peer in peers.drain(..asked - 1) {
        assert_eq!(peer.answer_close(), 1012);
    }
    assert!(!peers.is_empty(), "half a minute has passed");
    for mut peer in peers {
        talk(&mut peer);
    }
    talk(&mut Peer::connect(gateway.web(), "/"));
    gateway.wait_metric("switchyard_drain_sessions_left", &[], 0);
    assert_eq!(
        gateway.metrics().get("switchyard_drain_eta_seconds", &[]),
        Some(0.0)
    );
}

#[test]
fn at_first_it_is_not_ready_and_still_serves() {
    let a = Endpoint::named("a");
    let gateway = gateway(&Settings::to(&[a.address()]).drain("ready_delay: 1h"));
    let begun = told(&gateway, "POST", "/drain", 202);
    assert_eq!(
        (&begun["state"], &begun["total"]),
        (&"waiting".into(), &Value::Null)
    );
    assert_eq!(order(&gateway, "GET", "/readyz", "").status(), 503);
    gateway.wait_metric("switchyard_drain_state", &[], 1);
    talk(&mut Peer::connect(gateway.web(), "/"));
    told(&gateway, "DELETE", "/drain", 200);
    assert_eq!(order(&gateway, "GET", "/readyz", "").status(), 200);
}

#[test]
fn the_order_says_what_the_configuration_does_not() {
    let a = Endpoint::named("a");
    let settings = Settings::to(&[a.address()]).drain("ready_delay: 0s");
    let gateway = gateway(&settings.drain("over: 1h").drain("deadline: 2h"));
    let peer = Peer::connect(gateway.web(), "/");
    told(
        &gateway,
        "POST",
        "/drain?over=0s&code=4100&reason=moving",
        202,
    );
    assert_eq!(peer.answer_close(), 4100);
    gateway.wait_metric("switchyard_session_closes_total", &[("code", "4xxx")], 1);
}

#[test]
fn askings_are_spread_in_the_order_of_the_plan() {
    let a = Endpoint::named("a");
    let settings = Settings::to(&[a.address()])
        .drain("ready_delay: 0s")
        .drain("order: oldest_first");
    let gateway = gateway(&settings);
    let peers: Vec<_> = (0..8).map(|_| Peer::connect(gateway.web(), "/")).collect();
    let (sender, closes) = channel();
    for (nth, peer) in peers.into_iter().enumerate() {
        let sender = sender.clone();
        std::thread::spawn(move || sender.send((nth, peer.answer_close())));
    }
    told(&gateway, "POST", "/drain?over=2s", 202);
    let all: Vec<_> = (0..8)
        .map(|_| closes.recv_timeout(PATIENCE).expect("a Close").0)
        .collect();
    assert_eq!((all[0], all[7]), (0, 7), "{all:?}");
}

#[test]
fn whoever_does_not_go_is_cut_at_the_deadline() {
    let stage = Stage::with(|settings| {
        settings
            .drain("ready_delay: 0s")
            .websocket("close_timeout: 1h")
    });
    let mut ends = stage.open();
    told(&stage.gateway, "POST", "/drain?over=0s&deadline=300ms", 202);
    assert_eq!(ends.client.receive_close().0, 1012);
    assert_eq!(ends.server.receive_close().0, 1012);
    ends.client.socket().drain();
    ends.server.socket().drain();
    until(&stage.gateway, "done");
    // It was asked and did not answer: that came first.
    assert_eq!(stage.gateway.closed()["reason"], "drain");
    let label = [("result", "unanswered")];
    stage
        .gateway
        .wait_metric("switchyard_drain_closed_total", &label, 1);
}

#[test]
fn the_process_s_own_goes_the_whole_way_over_it() {
    let a = Endpoint::named("a");
    let settings = Settings::to(&[a.address()])
        .drain("ready_delay: 0s")
        .drain("over: 200ms");
    let mut gateway = gateway(&settings);
    let peers = [0, 1, 2].map(|_| Peer::connect(gateway.web(), "/"));
    told(&gateway, "POST", "/drain?over=1h&deadline=2h", 202);
    until(&gateway, "asking");
    gateway.terminate();
    for peer in peers {
        assert_eq!(peer.answer_close(), 1012);
    }
    assert_eq!(gateway.wait_exit().code(), Some(0));
    for record in gateway.records(3, "session closed") {
        assert_eq!(record["reason"], "drain", "{record}");
    }
}

#[test]
fn a_process_that_leaves_shows_how_far_it_is_and_takes_no_orders() {
    let a = Endpoint::named("a");
    let settings = Settings::to(&[a.address()]).drain("ready_delay: 0s");
    let mut gateway = gateway(&settings.drain("over: 1h").drain("deadline: 2h"));
    let mut peers = [0, 1].map(|_| Peer::connect(gateway.web(), "/"));
    // Connected before: nobody is let in later.
    let late = Socket::connect(gateway.web());
    let connections = [("listener", "web")];
    gateway.wait_metric("switchyard_listener_connections", &connections, 3);
    gateway.terminate();
    let process = eventually("the drain", || {
        let process = told(&gateway, "GET", "/drain", 200)["process"].clone();
        process["total"].is_u64().then_some(process)
    });
    assert_eq!(process["phase"], "draining");
    assert_eq!(
        (&process["total"], &process["left"]),
        (&2.into(), &2.into())
    );
    assert!(
        process["eta_seconds"].as_f64().expect("a time") > 3000.0,
        "{process}"
    );
    assert!(gateway.metrics().get("switchyard_drain_eta_seconds", &[]) > Some(3000.0));
    for method in ["POST", "DELETE"] {
        let answer = order(&gateway, method, "/drain", "");
        assert_eq!(answer.status(), 409, "{}", answer.text());
    }
    let mut late = late;
    late.send(&Handshake::to("/").encode());
    let head = Response::read(&mut late);
    assert_eq!(head.status(), 503);
    assert!(head.head.get("retry-after").is_some());
    gateway.terminate();
    for peer in &mut peers {
        peer.socket().drain();
    }
    gateway.wait_exit();
}

#[test]
fn what_cannot_be_done_is_said() {
    let a = Endpoint::named("a");
    let gateway = behind(&a);
    told(&gateway, "POST", "/drain?route=main", 202);
    for (method, path, fields, status, said) in [
        ("POST", "/drain?route=main", "", 409, "drained already"),
        ("POST", "/drain?route=none", "", 404, "no route none"),
        ("POST", "/drain?listener=none", "", 404, "no listener none"),
        ("POST", "/drain?cluster=none", "", 404, "no cluster none"),
        ("POST", "/drain?route=main&cluster=main", "", 400, "one of"),
        (
            "POST",
            "/drain?over=1h&deadline=1m",
            "",
            400,
            "a longer `deadline`",
        ),
        ("POST", "/drain?over=soon", "", 400, "is not a duration"),
        ("POST", "/drain?code=1005", "", 400, "may be sent"),
        ("POST", "/drain?rout=main", "", 400, "`route`"),
        (
            "POST",
            "/drain",
            "Origin: http://evil.example.com\r\n",
            403,
            "pages",
        ),
        ("DELETE", "/drain", "", 404, "is not drained"),
        ("DELETE", "/drain?cluster=main", "", 404, "is not drained"),
        ("DELETE", "/drain?over=1s", "", 400, "`listener`"),
        ("PUT", "/drain", "", 405, "GET, HEAD, POST, DELETE"),
    ] {
        let answer = order(&gateway, method, path, fields);
        assert_eq!(
            answer.status(),
            status,
            "{method} {path}: {}",
            answer.text()
        );
        let body: Value = serde_json::from_str(answer.text()).expect("JSON");
        let error = body["error"].as_str().expect("an error");
        assert!(error.contains(said), "{method} {path}: {error}");
    }
    assert_eq!(order(&gateway, "GET", "/readyz", "").status(), 200);
}
