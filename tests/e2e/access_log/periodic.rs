//! Records of sessions that stay open.

use serde_json::Value;
use switchyard_testkit::{Frame, Gateway};

use crate::support::{Ends, Stage};

const MESSAGE: &str = "session goes on";

fn stage() -> Stage {
    Stage::with(|it| it.top("log: { access: { every: 1s } }"))
}

fn number(record: &Value, name: &str) -> u64 {
    record[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} in {record}"))
}

/// The first record of a session after its first second, and after its second one.
fn two(gateway: &Gateway, session: &Value) -> [Value; 2] {
    [1000, 2000].map(|least| {
        gateway.log().wait_for(MESSAGE, |line| {
            line["message"] == MESSAGE
                && line["session"] == *session
                && line["duration_ms"].as_u64() >= Some(least)
        })
    })
}

#[test]
fn they_say_what_a_session_has_moved_so_far() {
    let stage = stage();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    client.send(&Frame::text("12345"));
    server.receive();
    let opened = stage.gateway.records(1, "session opened").remove(0);
    let [first, second] = two(&stage.gateway, &opened["session"]);
    for record in [&first, &second] {
        for name in ["request_id", "route", "cluster", "endpoint", "client"] {
            assert_eq!(record[name], opened[name], "{record}");
        }
        assert_eq!(record["target"], "access");
        assert_eq!(number(record, "messages_from_downstream"), 1, "{record}");
        assert_eq!(number(record, "bytes_from_downstream"), 11, "{record}");
        assert_eq!(number(record, "bytes_from_upstream"), 0, "{record}");
    }
    assert!(number(&second, "idle_ms") > number(&first, "idle_ms"));
}

#[test]
fn there_is_one_each_time_and_none_of_a_session_that_is_short() {
    let stage = stage();
    let Ends { client, server } = stage.open();
    let short = stage.gateway.records(1, "session opened").remove(0);
    drop((client, server));
    stage.gateway.closed();
    let _long = stage.open();
    let long = stage.gateway.records(2, "session opened").remove(1);
    two(&stage.gateway, &long["session"]);
    let lines = stage.gateway.log().so_far();
    let of = |session: &Value| {
        let records = lines.iter().filter(|line| line["message"] == MESSAGE);
        records.filter(|line| line["session"] == *session).count()
    };
    assert_eq!(of(&short["session"]), 0);
    let ages = lines.iter().filter(|line| line["message"] == MESSAGE);
    let oldest = ages.map(|line| number(line, "duration_ms")).max().unwrap();
    assert!(of(&long["session"]) as u64 <= oldest / 1000, "{lines:#?}");
}

#[test]
fn there_are_none_unless_they_are_wanted() {
    let stage = Stage::new();
    let mut ends = stage.open();
    // The same machine has seen a second go by: another gateway wrote its record.
    let other = self::stage();
    let _ends = other.open();
    other.gateway.records(1, MESSAGE);
    ends.talk();
    let lines = stage.gateway.log().so_far();
    assert!(
        lines.iter().all(|line| line["message"] != MESSAGE),
        "{lines:#?}"
    );
}
