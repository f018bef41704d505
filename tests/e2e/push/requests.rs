//! What is asked of single sessions, and what is refused.

use serde_json::{Value, json};
use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Settings};

use super::{by_path, names, post, publish, said, wait_subscribed};
use crate::support::{Ends, Stage, order, told};

#[test]
fn one_session_is_sent_a_message_and_is_gone_when_it_is() {
    let stage = Stage::new();
    let mut ends = stage.open();
    let name = names(&stage.gateway).remove(0);
    let (_, number) = name.split_once('-').expect("replica and number");
    for (id, text) in [(name.as_str(), "by name"), (number, "by number")] {
        let path = format!("/sessions/{id}/messages");
        let answer = said(&post(&stage.gateway, &path, &json!({ "text": text })), 200);
        assert_eq!(answer["queued"], true);
        assert_eq!(ends.client.receive_text(), text);
    }
    let path = format!("/sessions/{name}/messages");
    said(
        &post(&stage.gateway, &path, &json!({ "base64": "AP8=" })),
        200,
    );
    assert_eq!(ends.client.receive(), Frame::binary(vec![0, 255]));
    ends.talk();
    let closing = order(
        &stage.gateway,
        "DELETE",
        &format!("/sessions/{name}?code=4000"),
        "",
    );
    assert_eq!(closing.status(), 202, "{}", closing.text());
    assert_eq!(ends.client.receive_close().0, 4000);
    drop(ends);
    stage.gateway.closed();
    said(
        &post(&stage.gateway, &path, &json!({ "text": "late" })),
        410,
    );
    // A replica that nobody knows.
    let path = "/sessions/000000000000-1/messages";
    said(
        &post(&stage.gateway, path, &json!({ "text": "whither" })),
        410,
    );
}

#[test]
fn a_session_is_subscribed_and_unsubscribed_at_any_time() {
    let stage = Stage::new();
    let mut ends = stage.open();
    let name = names(&stage.gateway).remove(0);
    let place = format!("/sessions/{name}/channels/room:1");
    told(&stage.gateway, "PUT", &place, 200);
    told(&stage.gateway, "PUT", &place, 200);
    wait_subscribed(&stage.gateway, "room:1", 1);
    publish(&stage.gateway, "room:1", "hello");
    assert_eq!(ends.client.receive_text(), "hello");
    let session = told(&stage.gateway, "GET", &format!("/sessions/{name}"), 200);
    assert_eq!(session["channels"], json!(["room:1"]));
    let listed = told(&stage.gateway, "GET", "/sessions?channel=room:1", 200);
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(1));
    let nobody = told(&stage.gateway, "GET", "/sessions?channel=room:2", 200);
    assert_eq!(nobody["sessions"], json!([]));
    told(&stage.gateway, "DELETE", &place, 200);
    publish(&stage.gateway, "room:1", "nobody hears");
    ends.talk();
    let listed = told(&stage.gateway, "GET", "/channels", 200);
    assert_eq!(listed["channels"], json!([]), "{listed}");
}

#[test]
fn channels_are_listed_and_counted() {
    let stage = Stage::with(by_path);
    let _a: Vec<_> = (0..3).map(|_| stage.open_at("/room.a")).collect();
    let _b = stage.open_at("/room.b");
    let _c = stage.open_at("/other");
    let listed = told(&stage.gateway, "GET", "/channels?prefix=room.", 200);
    let rooms =
        json!([{ "channel": "room.a", "sessions": 3 }, { "channel": "room.b", "sessions": 1 }]);
    assert_eq!(listed["channels"], rooms, "{listed}");
    let page = told(&stage.gateway, "GET", "/channels?limit=1", 200);
    assert_eq!(page["next"], "other", "{page}");
    let counted = told(&stage.gateway, "GET", "/channels/room.a", 200);
    assert_eq!(
        (&counted["sessions"], &counted["local"]),
        (&Value::from(3), &Value::from(3))
    );
    assert_eq!(counted["replicas"]["answered"], 1, "{counted}");
}

#[test]
fn what_cannot_be_published_is_refused_with_a_reason() {
    let stage =
        Stage::with(|settings| settings.top("push: { max_message: 1KiB, queue: { bytes: 1KiB } }"));
    for (body, status, says) in [
        (json!({ "text": "x" }), 400, "channel"),
        (json!({ "channel": "a" }), 400, "text"),
        (
            json!({ "channel": "a", "text": "x", "base64": "eA==" }),
            400,
            "base64",
        ),
        (json!({ "channel": "a", "base64": "?" }), 400, "base64"),
        (json!({ "channel": "a b", "text": "x" }), 400, "white space"),
        (json!({ "channel": "", "text": "x" }), 400, "name"),
        (
            json!({ "channel": "a", "channels": ["b"], "text": "x" }),
            400,
            "channels",
        ),
        (json!({ "channels": [], "text": "x" }), 400, "channel"),
        (
            json!({ "channel": "a", "text": "x", "exclude": "17?" }),
            400,
            "exclude",
        ),
        (
            json!({ "channel": "a", "text": "x", "exlude": "17" }),
            400,
            "exlude",
        ),
        (
            json!({ "channel": "a", "text": "x".repeat(1025) }),
            413,
            "1024",
        ),
    ] {
        let answer = said(&post(&stage.gateway, "/publish", &body), status);
        let error = answer["error"].as_str().expect("an error");
        assert!(error.contains(says), "{body}: {error}");
    }
    let answer = order(&stage.gateway, "GET", "/publish", "");
    assert_eq!(answer.status(), 405);
    let from_page = "Origin: https://evil.example\r\nContent-Length: 0\r\n";
    assert_eq!(
        order(&stage.gateway, "POST", "/publish", from_page).status(),
        403
    );
}

/// A client that takes nothing, with more in its queue than the sockets hold.
fn stalled(on_full: &str) -> (Stage, Ends) {
    let push = format!(
        "push: {{ max_message: 64KiB, queue: {{ messages: 4, bytes: 256KiB, on_full: {on_full} }} }}"
    );
    let stage = Stage::with(|settings| by_path(settings).top(&push));
    let ends = stage.open_at("/a");
    (stage, ends)
}

#[test]
fn a_slow_receiver_loses_what_the_policy_says() {
    for on_full in ["drop_oldest", "drop_newest"] {
        let (stage, mut ends) = stalled(on_full);
        let filler = "x".repeat(60_000);
        let full = [("bus", "memory"), ("reason", "queue_full")];
        let dropped = || {
            let metrics = stage.gateway.metrics();
            metrics.count("switchyard_push_dropped_total", &full)
        };
        let mut sent = 0;
        while dropped() < 3 {
            publish(&stage.gateway, "a", &format!("{sent}:{filler}"));
            sent += 1;
            assert!(sent < 1000, "it is never full");
        }
        // A session counts what it lost when its task runs, which it has once it was asked how it stands.
        names(&stage.gateway);
        let got: Vec<u64> = (dropped()..sent)
            .map(|_| ends.client.receive_text())
            .map(|text| text.split(':').next().and_then(|it| it.parse().ok()))
            .map(|number| number.expect("a number"))
            .collect();
        assert!(got.is_sorted(), "{on_full}: {got:?}");
        let has_newest = got.last() == Some(&(sent - 1));
        assert_eq!(has_newest, on_full == "drop_oldest", "{on_full}: {got:?}");
        ends.talk();
    }
}

#[test]
fn a_slow_receiver_is_closed_where_it_is_to_be() {
    let (stage, mut ends) = stalled("close");
    let filler = "x".repeat(60_000);
    let dropped = [("bus", "memory"), ("reason", "queue_full")];
    let mut sent = 0;
    while stage
        .gateway
        .metrics()
        .count("switchyard_push_dropped_total", &dropped)
        == 0
    {
        publish(&stage.gateway, "a", &filler);
        sent += 1;
        assert!(sent < 1000, "it is never full");
    }
    loop {
        let frame = ends.client.receive();
        if frame.opcode == opcode::CLOSE {
            assert_eq!(frame.closing().0, 1013);
            break;
        }
    }
    drop(ends);
    let record = stage.gateway.closed();
    let expected = (&json!(1013), &json!("slow_receiver"));
    assert_eq!((&record["code"], &record["reason"]), expected);
}

#[test]
fn what_one_session_is_sent_is_refused_where_its_queue_is_full() {
    let (stage, mut ends) = stalled("drop_newest");
    let name = names(&stage.gateway).remove(0);
    let path = format!("/sessions/{name}/messages");
    let body = json!({ "text": "x".repeat(60_000) });
    let mut sent = 0;
    let refused = loop {
        let answer = post(&stage.gateway, &path, &body);
        if answer.status() != 200 {
            break answer;
        }
        sent += 1;
        assert!(sent < 1000, "it is never full");
    };
    assert_eq!(refused.status(), 409, "{}", refused.text());
    for _ in 0..sent {
        ends.client.receive_text();
    }
    ends.talk();
}

#[test]
fn too_many_channels_are_refused() {
    let stage = Stage::with(|settings: Settings| settings.top("push: { channels_per_session: 2 }"));
    let _ends = stage.open();
    let name = names(&stage.gateway).remove(0);
    for (channel, status) in [("a", 200), ("b", 200), ("a", 200), ("c", 409)] {
        let path = format!("/sessions/{name}/channels/{channel}");
        told(&stage.gateway, "PUT", &path, status);
    }
}
