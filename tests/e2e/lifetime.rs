//! Sessions that live as long as their route lets them.

use std::collections::BTreeSet;

use serde_json::Value;
use switchyard_testkit::{Frame, Settings, clients};

use crate::support::{Ends, Stage, gateway};

const SHORT: &str = "max_lifetime: { after: 300ms, jitter: off }";

fn stage(line: &str) -> Stage {
    Stage::with(|settings| settings.websocket(line))
}

#[track_caller]
fn recorded(stage: &Stage, code: u16) -> Value {
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], "gateway", "{record}");
    assert_eq!(record["reason"], "max_lifetime", "{record}");
    assert_eq!(record["code"], code, "{record}");
    let code = if code < 3000 {
        code.to_string()
    } else {
        format!("{}xxx", code / 1000)
    };
    let labels = [
        ("initiator", "gateway"),
        ("reason", "max_lifetime"),
        ("code", &*code),
    ];
    stage
        .gateway
        .wait_metric("switchyard_session_closes_total", &labels, 1);
    record
}

#[test]
fn both_sides_are_asked_to_go() {
    let stage = stage(SHORT);
    let mut ends = stage.open();
    ends.talk();
    let Ends {
        mut client,
        mut server,
    } = ends;
    let close = (1001, "max lifetime".to_owned());
    assert_eq!(client.receive_close(), close);
    assert_eq!(server.receive_close(), close);
    for peer in [&mut client, &mut server] {
        peer.send(&Frame::close(1001, ""));
    }
    server.socket().finish();
    for peer in [&mut client, &mut server] {
        peer.expect_end();
    }
    drop((client, server));
    let record = recorded(&stage, 1001);
    assert!(
        record["duration_ms"].as_u64().is_some_and(|ms| ms >= 300),
        "{record}"
    );
}

#[test]
fn a_message_that_has_begun_goes_first() {
    let stage = stage(SHORT);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let start = Frame::text("once ").unfinished();
    client.send(&start);
    assert_eq!(server.receive(), start);
    assert_eq!(client.receive_close().0, 1001);
    let middle = Frame::continuation("upon ").unfinished();
    let end = Frame::continuation("a time");
    for frame in [&middle, &end, &Frame::text("never")] {
        client.send(frame);
    }
    assert_eq!(server.receive(), middle);
    assert_eq!(server.receive(), end);
    assert_eq!(server.receive_close().0, 1001);
    for peer in [&mut client, &mut server] {
        peer.send(&Frame::close(1001, ""));
    }
    server.socket().finish();
    for peer in [&mut client, &mut server] {
        peer.expect_end();
    }
    drop((client, server));
    recorded(&stage, 1001);
}

#[test]
fn whoever_does_not_answer_is_cut() {
    let stage = Stage::with(|settings| settings.websocket(SHORT).websocket("close_timeout: 200ms"));
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    client.send(&Frame::text("without end").unfinished());
    assert_eq!(client.receive_close().0, 1001);
    client.expect_end();
    assert_eq!(server.receive(), Frame::text("without end").unfinished());
    server.expect_end();
    recorded(&stage, 1001);
}

#[test]
fn the_close_is_the_one_of_the_route() {
    let stage = stage(
        "max_lifetime: { after: 300ms, jitter: off, close: { code: 4004, reason: come again } }",
    );
    let Ends { client, mut server } = stage.open();
    assert_eq!(server.receive_close(), (4004, "come again".to_owned()));
    server.send(&Frame::close(4004, ""));
    assert_eq!(client.answer_close(), 4004);
    drop(server);
    recorded(&stage, 4004);
}

#[test]
fn sessions_that_began_together_do_not_end_together() {
    const SESSIONS: usize = 20;
    let stage = stage("max_lifetime: { after: 3s, jitter: 90% }");
    let all: Vec<Ends> = (0..SESSIONS).map(|_| stage.open()).collect();
    std::thread::scope(|scope| {
        for Ends { client, mut server } in all {
            scope.spawn(move || {
                assert_eq!(server.receive_close().0, 1001);
                server.send(&Frame::close(1001, ""));
                client.answer_close();
            });
        }
    });
    let lives: BTreeSet<u64> = stage
        .gateway
        .records(SESSIONS, "session closed")
        .iter()
        .filter_map(|record| record["duration_ms"].as_u64())
        // As coarse as alarms are.
        .map(|lived| lived / 100)
        .collect();
    assert!(lives.len() > 5, "{lives:?}");
    assert!(lives.first().is_some_and(|lived| *lived >= 3), "{lives:?}");
}

#[test]
fn real_clients_are_told() {
    let (_server, address) = clients::serve("ws_endpoint.mjs", &["on"]);
    let line = "max_lifetime: { after: 2s, jitter: off }";
    let gateway = gateway(&Settings::to(&[address]).websocket(line));
    let url = format!("ws://{}/echo", gateway.web());
    for script in ["ws_stays.mjs", "websockets_stays.py"] {
        let client = clients::start(script, &[&url, "on"]);
        let line = client
            .stdout()
            .wait_for("its Close", |line| line["closed"].is_u64());
        assert_eq!(line["closed"], 1001, "{line}");
        assert_eq!(line["reason"], "max lifetime", "{line}");
    }
    for record in gateway.records(2, "session closed") {
        assert_eq!(record["reason"], "max_lifetime", "{record}");
        assert_eq!(record["code"], 1001, "{record}");
    }
}
