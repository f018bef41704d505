use std::path::Path;

use arcstr::ArcStr;

use super::*;

fn config(text: &str) -> Config {
    let parsed = crate::parse(text, Path::new("test.yaml"));
    parsed.unwrap_or_else(|errors| panic!("{errors}"))
}

const BEFORE: &str = r#"
listeners:
  - { name: web, address: "127.0.0.1:8080" }
  - { name: old, address: "127.0.0.1:8081" }
routes:
  - { name: chat, match: { path_prefix: /chat }, cluster: chat }
  - { name: news, match: { path_prefix: /news }, cluster: chat }
  - { name: rest, match: { path_prefix: / }, cluster: chat }
clusters:
  - { name: chat, endpoints: [{ address: "127.0.0.1:9000" }] }
"#;

fn diff(changes: &[(&str, &str)]) -> Diff {
    let after = changes.iter().fold(BEFORE.to_owned(), |text, (was, is)| {
        assert!(text.contains(was), "{was}");
        text.replace(was, is)
    });
    Diff::between(&config(BEFORE), &config(&after))
}

fn names(names: &[&str]) -> Vec<ArcStr> {
    names.iter().map(|name| ArcStr::from(*name)).collect()
}

#[test]
fn the_same_text_is_no_difference() {
    assert!(diff(&[]).is_empty());
    assert!(diff(&[("listeners:", "# a remark\nlisteners:")]).is_empty());
}

#[test]
fn names_come_go_and_change() {
    let diff = diff(&[
        ("name: old", "name: new"),
        ("127.0.0.1:9000", "127.0.0.1:9001"),
    ]);
    assert_eq!(diff.listeners.added, names(&["new"]));
    assert_eq!(diff.listeners.removed, names(&["old"]));
    assert_eq!(diff.clusters.changed, names(&["chat"]));
    assert_eq!(diff.routes, Changes::default());
    assert!(!diff.is_empty());
}

#[test]
fn what_is_in_no_list_goes_by_its_key() {
    let diff = diff(&[(
        "listeners:",
        "workers: 3\nlog: { level: debug }\nlisteners:",
    )]);
    assert_eq!(diff.settings, ["log", "workers"]);
    assert_eq!(diff.listeners, Changes::default());
}

#[test]
fn the_bus_and_what_is_published_are_settings() {
    let bus = "bus: { nats: { url: \"nats://bus\" } }\npush: { events: on }\nlisteners:";
    assert_eq!(diff(&[("listeners:", bus)]).settings, ["bus", "push"]);
}

#[test]
fn a_route_that_has_moved_has_changed() {
    let (chat, news) = (
        "  - { name: chat, match: { path_prefix: /chat }, cluster: chat }\n",
        "  - { name: news, match: { path_prefix: /news }, cluster: chat }\n",
    );
    let swapped = diff(&[(&format!("{chat}{news}"), &format!("{news}{chat}"))]);
    assert_eq!(swapped.routes.changed, names(&["news", "chat"]));
    let removed = diff(&[(chat, "")]);
    assert_eq!(removed.routes.changed, names(&[]));
    assert_eq!(removed.routes.removed, names(&["chat"]));
}
