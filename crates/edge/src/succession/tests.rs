//! What becomes of whom.

use std::path::Path;

use arcstr::ArcStr;
use switchyard_relay::{Registry, SessionId, Tie};
use switchyard_telemetry::{Build, Metrics};

use super::*;

const BEFORE: &str = r#"
listeners: [{ name: web, address: "127.0.0.1:8080" }]
routes:
  - { name: chat, match: { path_prefix: /chat }, cluster: app }
  - { name: rest, match: { path_prefix: / }, cluster: other }
clusters:
  - { name: app, endpoints: [{ address: "127.0.0.1:9000" }] }
  - { name: other, endpoints: [{ address: "127.0.0.1:9001" }] }
"#;

fn snapshot(text: &str) -> Snapshot {
    let config = switchyard_config::parse(text, Path::new("test.yaml"));
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let build = Build {
        version: "0",
        revision: "0",
        rustc: "0",
    };
    Snapshot::new(&config, &Metrics::new(build).unwrap(), None).unwrap()
}

/// A session of the route `chat`.
fn session() -> SessionInfo {
    SessionInfo {
        id: SessionId::next(),
        listener: "web".into(),
        route: "chat".into(),
        cluster: "app".into(),
        endpoint: "127.0.0.1:9000".into(),
        client: [127, 0, 0, 1].into(),
        request_id: "1".into(),
        opened: switchyard_relay::now(),
        tie: Tie::Nothing,
    }
}

/// What becomes of it where `was` is written as `is`.
fn fate(was: &str, is: &str) -> Fate {
    assert!(BEFORE.contains(was), "{was}");
    let after = snapshot(&BEFORE.replace(was, is));
    after.fate(&session(), &snapshot(BEFORE))
}

#[test]
fn a_session_stays_where_nothing_is_different_for_it() {
    for (was, is) in [
        ("chat, match", "chat, match"),
        ("path_prefix: /chat", "path_prefix: /rooms"),
        ("127.0.0.1:9000", "127.0.0.1:9009"),
        ("name: rest", "name: others"),
        (
            "cluster: app",
            "cluster: [{ cluster: app, weight: 1 }, { cluster: other, weight: 9 }]",
        ),
        ("8080\" }", "8080\", max_connections: 5 }"),
    ] {
        assert_eq!(fate(was, is), Fate::Stays, "{is}");
    }
}

#[test]
fn a_session_goes_by_the_limits_of_its_route() {
    let limited = "cluster: app, websocket: { max_message: 1KiB } }";
    let Fate::Adopts(policy, _) = fate("cluster: app }", limited) else {
        panic!("other limits are adopted");
    };
    assert_eq!(policy.max_message, Some(1024));
    let buffered = "cluster: app, websocket: { buffer_limit: 8KiB } }";
    assert!(matches!(fate("cluster: app }", buffered), Fate::Adopts(..)));
    let others = "cluster: other, websocket: { max_message: 1KiB } }";
    assert_eq!(fate("cluster: other }", others), Fate::Stays);
}

#[test]
fn a_session_goes_whose_place_is_gone() {
    for (was, is) in [
        ("name: chat", "name: talk"),
        ("cluster: app", "cluster: other"),
        ("name: web", "name: edge"),
        ("127.0.0.1:8080", "127.0.0.1:8081"),
        ("cluster: app", "push_only: on, channels: [news]"),
    ] {
        assert_eq!(fate(was, is), Fate::Goes, "{is}");
    }
}

#[test]
fn a_session_without_an_endpoint_stays_where_none_is_wanted() {
    let push_only = BEFORE.replace("cluster: app", "push_only: on, channels: [news]");
    let before = snapshot(&push_only);
    let session = SessionInfo {
        cluster: ArcStr::default(),
        endpoint: ArcStr::default(),
        ..session()
    };
    let others = push_only.replace("channels: [news]", "channels: [more, news]");
    assert_eq!(snapshot(&others).fate(&session, &before), Fate::Stays);
    assert_eq!(snapshot(BEFORE).fate(&session, &before), Fate::Goes);
}

#[test]
fn a_session_that_was_opening_meanwhile_is_told_the_same() {
    let before = snapshot(BEFORE);
    let route = before.route("chat").unwrap();
    for (text, told) in [
        (BEFORE.to_owned(), None),
        (
            BEFORE.replace("cluster: app", "cluster: other"),
            Some(Cause::Reload),
        ),
        (
            BEFORE.replace("name: chat", "name: talk"),
            Some(Cause::Reload),
        ),
    ] {
        let registry = Registry::new();
        let ticket = registry.open(session());
        snapshot(&text).receive(&ticket, route, || 7);
        assert_eq!(ticket.told(), told, "{text}");
    }
}
