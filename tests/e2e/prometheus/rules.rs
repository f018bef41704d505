//! The alerts: each is healthy, names metrics that there are and labels that it has, and is tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use switchyard_testkit::{Prometheus, eventually};

use super::ALERTS;

const TESTS: &str = include_str!("../../../config/prometheus/alerts.test.yaml");
const RUNBOOK: &str = "docs/operations/prometheus.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().expect("a string")
}

/// The metrics that expressions name, those that rules record included.
#[track_caller]
pub(super) fn metrics_in(rules: &[Value]) -> BTreeSet<String> {
    assert!(!rules.is_empty(), "Prometheus has no rules");
    let recorded = rules.iter().filter(|rule| rule["type"] == "recording");
    let recorded: BTreeSet<_> = recorded.map(|rule| text(rule, "name")).collect();
    let words = rules.iter().flat_map(|rule| names_in(text(rule, "query")));
    words
        .filter(|word| {
            let gateways = ["switchyard_", "process_"];
            recorded.contains(word) || gateways.iter().any(|start| word.starts_with(start))
        })
        .map(str::to_owned)
        .collect()
}

/// What may be the name of a metric, outside of quotes.
fn names_in(expression: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    let bare = expression.split('"').step_by(2);
    bare.flat_map(move |part| part.split(move |it| !is_of_name(it)))
}

/// Waits until every rule has been evaluated, and sees that all can be.
#[track_caller]
pub(super) fn all_are_healthy(prometheus: &Prometheus) {
    let rules = eventually("every rule to be evaluated", || {
        let rules = prometheus.rules();
        let is_known = |rule: &Value| rule["health"] != "unknown";
        rules.iter().all(is_known).then_some(rules)
    });
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule:#}");
        // It evaluates as a question, too.
        prometheus.query(text(rule, "query"));
    }
    let alerts = rules.iter().filter(|rule| rule["type"] == "alerting");
    let names: BTreeSet<_> = alerts.map(|rule| text(rule, "name").to_owned()).collect();
    assert_eq!(names, alerts_in_file().into_keys().collect());
}

/// Waits for an alert with these labels, all of whose texts are whole.
#[track_caller]
pub(super) fn becomes_pending(prometheus: &Prometheus, name: &str, labels: &[(&str, &str)]) {
    let alert = eventually(name, || {
        let is_it = |alert: &Value| {
            let of_alert = &alert["labels"];
            of_alert["alertname"] == name && labels.iter().all(|it| of_alert[it.0] == it.1)
        };
        prometheus.alerts().into_iter().find(is_it)
    });
    let state = text(&alert, "state");
    assert!(matches!(state, "pending" | "firing"), "{alert:#}");
    for (_, text) in alert["annotations"].as_object().expect("annotations") {
        let text = text.as_str().expect("a string");
        assert!(
            !text.contains("error expanding") && !text.contains("no value"),
            "{alert:#}"
        );
    }
}

/// Each alert of the file, with the lines that it consists of.
fn alerts_in_file() -> BTreeMap<String, String> {
    let rules = ALERTS.split("\n      - alert: ").skip(1);
    let alert = |rule: &str| {
        let (name, rest) = rule.split_once('\n').expect("more than a name");
        (name.to_owned(), format!("{rest}\n"))
    };
    rules.map(alert).collect()
}

/// What is asked about each alert in its tests: what stands below `ALERTS{alertname="..."`.
fn asked_of(alert: &str) -> Vec<&'static str> {
    let question = format!("- expr: ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}\n");
    let answers = TESTS.split(question.as_str()).skip(1);
    answers
        .filter_map(|rest| rest.split("- expr:").next())
        .filter_map(|rest| rest.split("- name:").next())
        .collect()
}

#[test]
fn the_committed_files_are_valid_and_every_alert_does_what_its_tests_say() {
    let output = Command::new(root().join("config/prometheus/check"))
        .output()
        .expect("a script");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_alert_is_tested_to_fire_and_not_to_fire() {
    let alerts = alerts_in_file();
    assert!(!alerts.is_empty());
    for name in alerts.keys() {
        let answers = asked_of(name);
        let (silent, firing): (Vec<_>, Vec<_>) = answers
            .into_iter()
            .partition(|answer| answer.contains("exp_samples: []"));
        assert!(!silent.is_empty(), "no test in which {name} does not fire");
        assert!(!firing.is_empty(), "no test in which {name} fires");
    }
}

/// A label that an alert does not have is an empty word in its text. `pod` is there in Kubernetes alone.
#[test]
fn texts_name_no_label_that_their_alert_lacks() {
    for (name, rule) in alerts_in_file() {
        let answers = asked_of(&name).concat();
        for named in rule.split("$labels.").skip(1) {
            let label = named.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
            let label = label.into_iter().next().expect("a name");
            let has_it = answers.contains(&format!(", {label}=\""));
            assert!(has_it || label == "pod", "{name} has no label {label}");
        }
    }
}

#[test]
fn every_alert_says_how_grave_it_is_and_where_to_read_on() {
    let runbook = fs::read_to_string(root().join(RUNBOOK)).expect("a runbook");
    for (name, rule) in alerts_in_file() {
        for word in ["summary: ", "description: "] {
            assert!(rule.contains(word), "{name} has no {word}");
        }
        let grave = ["critical", "warning"].map(|it| format!("severity: {it}\n"));
        assert!(grave.iter().any(|it| rule.contains(it)), "{name}");
        let anchor = format!("runbook: {RUNBOOK}#{}\n", name.to_lowercase());
        assert!(rule.contains(&anchor), "{name} has not {anchor}");
        let section = format!("\n### {name}\n");
        assert!(runbook.contains(&section), "{RUNBOOK} has no {section}");
    }
}

/// Whatever a dial fails with is a failed handshake, unless it is the client's doing.
#[test]
fn every_way_in_which_a_dial_fails_counts() {
    let source = root().join("crates/upstream/src/error.rs");
    let source = fs::read_to_string(source).expect("the errors of dials");
    let (_, body) = source.split_once("fn reason(&self)").expect("the reasons");
    let (body, _) = body.split_once("\n    }\n").expect("their end");
    let reasons: BTreeSet<_> = body.split('"').skip(1).step_by(2).collect();
    assert!(reasons.contains("connect_refused"), "{reasons:?}");
    let (_, list) = ALERTS.split_once("result=~\"").expect("the list");
    let (list, _) = list.split_once('"').expect("its end");
    let listed: BTreeSet<_> = list.split('|').collect();
    let clients = BTreeSet::from(["request_body"]);
    let missing: Vec<_> = reasons.difference(&listed).collect();
    assert_eq!(missing, clients.iter().collect::<Vec<_>>());
}
