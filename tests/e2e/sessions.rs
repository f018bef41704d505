//! `/sessions`: who is there, how each stands, and asking one or many to go.

use std::collections::BTreeSet;
use std::sync::mpsc::channel;

use serde_json::Value;
use switchyard_testkit::{Endpoint, Frame, Gateway, PATIENCE, Peer, Settings};

use crate::support::{Stage, gateway, order, told};

/// A gateway whose route `other` leads to a cluster of its own.
fn two_routes() -> (Endpoint, Endpoint, Gateway) {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let other = format!(
        "{{ name: other, endpoints: [{{ address: \"{}\" }}] }}",
        b.address()
    );
    let settings = Settings::to(&[a.address()])
        .first_route("{ name: other, cluster: other, match: { path_prefix: /other } }")
        .another_cluster(&other)
        .drain("over: 0s");
    let gateway = gateway(&settings);
    (a, b, gateway)
}

#[track_caller]
fn page(gateway: &Gateway, query: &str) -> Value {
    told(gateway, "GET", &format!("/sessions?{query}"), 200)
}

/// The numbers of the sessions on a page.
#[track_caller]
fn ids(page: &Value) -> Vec<u64> {
    let sessions = page["sessions"].as_array().expect("a list").iter();
    sessions
        .map(|session| session["id"].as_u64().expect("a number"))
        .collect()
}

/// How many sessions a filter picks.
#[track_caller]
fn count(gateway: &Gateway, filter: &str) -> usize {
    ids(&page(gateway, filter)).len()
}

#[test]
fn pages_go_over_all_workers_in_order() {
    let a = Endpoint::named("a");
    let gateway = gateway(&Settings::to(&[a.address()]).workers(2));
    let _peers: Vec<_> = (0..25).map(|_| Peer::connect(gateway.web(), "/")).collect();
    for worker in ["0", "1"] {
        let connections = gateway
            .metrics()
            .count("switchyard_worker_connections", &[("worker", worker)]);
        assert!(connections > 0, "worker {worker} has nobody");
    }
    let (mut all, mut after) = (Vec::new(), 0);
    for (size, is_last) in [(10, false), (10, false), (5, true)] {
        let page = page(&gateway, &format!("limit=10&after={after}"));
        let ids = ids(&page);
        assert_eq!(ids.len(), size);
        assert_eq!(page["next"].is_null(), is_last, "{}", page["next"]);
        after = page["next"].as_u64().unwrap_or_default();
        all.extend(ids);
    }
    assert!(all.is_sorted());
    assert_eq!(BTreeSet::from_iter(&all).len(), 25);
    assert!(page(&gateway, "limit=25")["next"].is_null());
}

#[test]
fn filters_pick_what_they_say() {
    let (a, b, gateway) = two_routes();
    let _main = [0, 1].map(|_| Peer::connect(gateway.web(), "/"));
    let _other = Peer::connect(gateway.web(), "/other");
    for (filter, picked) in [
        (String::new(), 3),
        ("listener=web".to_owned(), 3),
        ("listener=tls".to_owned(), 0),
        ("route=main".to_owned(), 2),
        ("cluster=other".to_owned(), 1),
        (format!("endpoint={}", a.address()), 2),
        (format!("endpoint={}", b.address()), 1),
        (format!("endpoint={}&route=main", b.address()), 0),
        ("client=127.0.0.1".to_owned(), 3),
        ("client=127.0.0.0/8&route=other".to_owned(), 1),
        ("client=10.0.0.0/8".to_owned(), 0),
        ("idle_over=1h".to_owned(), 0),
        ("older_than=1h".to_owned(), 0),
    ] {
        assert_eq!(count(&gateway, &filter), picked, "{filter}");
    }
    let routes = told(&gateway, "GET", "/routes", 200);
    let expected = serde_json::json!([
        { "name": "other", "match": "path from /other", "sessions": 1, "draining": false,
          "clusters": [{ "cluster": "other", "weight": 1 }] },
        { "name": "main", "match": "path from /", "sessions": 2, "draining": false,
          "clusters": [{ "cluster": "main", "weight": 1 }] },
    ]);
    assert_eq!(routes["routes"], expected);
}

#[test]
fn live_figures_are_what_was_sent() {
    let stage = Stage::new();
    let mut ends = stage.open();
    let (small, large) = (Frame::text("hello"), Frame::binary(vec![7; 1000]));
    let mut from_client = 0;
    for frame in [&small, &large, &small] {
        from_client += ends.client.encode(frame).len();
        ends.client.send(frame);
        assert_eq!(ends.server.receive(), *frame);
    }
    ends.server.send(&small);
    ends.client.receive();
    let id = ids(&page(&stage.gateway, ""))[0];
    let session = told(&stage.gateway, "GET", &format!("/sessions/{id}"), 200);
    let live = &session["live"];
    assert_eq!(live["messages_from_downstream"], 3);
    assert_eq!(live["bytes_from_downstream"], from_client);
    assert_eq!(live["messages_from_upstream"], 1);
    assert_eq!(
        live["bytes_from_upstream"],
        ends.server.encode(&small).len()
    );
    assert_eq!(live["largest_message_bytes"], 1000);
    assert_eq!(live["buffered_bytes_from_upstream"], 0);
    assert!(session["told_to_go"].is_null() && live["ending"].is_null());
    assert_eq!(session["listener"], "web");
    let opened = stage.gateway.records(1, "session opened").remove(0);
    assert_eq!(opened["session"].to_string(), format!("\"{id}\""));
    assert_eq!(opened["request_id"], session["request_id"]);
}

#[test]
fn one_session_is_asked_to_go() {
    let stage = Stage::new();
    let (mut stays, mut goes) = (stage.open(), stage.open());
    let id = ids(&page(&stage.gateway, ""))[1];
    let path = format!("/sessions/{id}?code=4001&reason=enough%20is+enough");
    let answer = told(&stage.gateway, "DELETE", &path, 202);
    assert_eq!(answer["sessions"], 1);
    let close = (4001, "enough is enough".to_owned());
    assert_eq!(goes.client.receive_close(), close);
    assert_eq!(goes.server.receive_close(), close);
    // It waits for answers, and says so.
    let session = told(&stage.gateway, "GET", &format!("/sessions/{id}"), 200);
    assert_eq!(session["told_to_go"], "admin");
    assert_eq!(session["live"]["ending"], "admin");
    let again = told(&stage.gateway, "DELETE", &path, 202);
    assert_eq!(again["sessions"], 0);
    for end in [&mut goes.client, &mut goes.server] {
        end.send(&Frame::close(4001, ""));
        end.expect_end();
    }
    let record = stage.gateway.closed();
    assert_eq!(
        (&record["reason"], &record["initiator"], &record["code"]),
        (&"admin".into(), &"gateway".into(), &4001.into())
    );
    let labels = [
        ("reason", "admin"),
        ("initiator", "gateway"),
        ("code", "4xxx"),
    ];
    stage
        .gateway
        .wait_metric("switchyard_session_closes_total", &labels, 1);
    assert_eq!(order(&stage.gateway, "GET", &path, "").status(), 404);
    stays.talk();
}

#[test]
fn a_set_is_asked_one_after_the_other() {
    let (_a, _b, gateway) = two_routes();
    let mut stays = Peer::connect(gateway.web(), "/");
    let going: Vec<_> = (0..6)
        .map(|_| Peer::connect(gateway.web(), "/other"))
        .collect();
    let (sender, closes) = channel();
    for (nth, peer) in going.into_iter().enumerate() {
        let sender = sender.clone();
        // Idle the longest first, which is the order in which they came.
        std::thread::spawn(move || sender.send((nth, peer.answer_close())));
    }
    let answer = told(&gateway, "DELETE", "/sessions?route=other&over=2s", 202);
    assert_eq!(
        (&answer["sessions"], &answer["over_ms"]),
        (&6.into(), &2000.into())
    );
    let all: Vec<_> = (0..6)
        .map(|_| closes.recv_timeout(PATIENCE).expect("a Close"))
        .collect();
    assert!(all.iter().all(|(_, code)| *code == 1012), "{all:?}");
    assert_eq!((all[0].0, all[5].0), (0, 5), "{all:?}");
    gateway.wait_metric("switchyard_session_closes_total", &[("reason", "admin")], 6);
    stays.send_text("still here");
    assert_eq!(stays.receive_text(), "still here");
    let answer = told(&gateway, "DELETE", "/sessions?all=true", 202);
    assert_eq!(answer["sessions"], 1);
    assert_eq!(stays.answer_close(), 1012);
}

#[test]
fn what_cannot_be_meant_is_said() {
    let stage = Stage::new();
    let mut ends = stage.open();
    for (method, path, status, said) in [
        ("GET", "/sessions?rout=main", 400, "`route`"),
        ("GET", "/sessions?limit=0", 400, "1 to 1000"),
        ("GET", "/sessions?limit=1001", 400, "1 to 1000"),
        ("GET", "/sessions?client=somebody", 400, "10.0.0.0/8"),
        ("GET", "/sessions?idle_over=30", 400, "did you mean `30s`"),
        ("GET", "/sessions?route=a&route=b", 400, "twice"),
        ("GET", "/sessions/one", 400, "number"),
        ("GET", "/sessions/999999", 404, "counts anew"),
        ("DELETE", "/sessions/999999", 404, "counts anew"),
        ("DELETE", "/sessions/1?code=1006", 400, "may be sent"),
        ("DELETE", "/sessions", 400, "`all=true`"),
        ("DELETE", "/sessions?code=1001", 400, "`all=true`"),
        ("DELETE", "/sessions?all=true&route=main", 400, "contradict"),
        ("DELETE", "/sessions?all=yes", 400, "`true`"),
        ("POST", "/sessions", 405, "GET, HEAD, DELETE"),
        ("DELETE", "/routes", 405, "GET, HEAD"),
    ] {
        let answer = order(&stage.gateway, method, path, "");
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
    let page = "Origin: http://evil.example.com\r\n";
    let answer = order(&stage.gateway, "DELETE", "/sessions?all=true", page);
    assert_eq!(answer.status(), 403);
    ends.talk();
}
