//! What cannot be used changes nothing.

use std::net::TcpListener;

use switchyard_testkit::{Endpoint, Settings};

use super::asked;
use crate::support::Stage;

const REFUSED: &str = "not reloaded: the configuration before it is still in use";

#[track_caller]
fn refuses(stage: &Stage, yaml: &str, said: &[&str]) {
    let mut session = stage.open();
    stage.gateway.rewrite_with(yaml);
    stage.gateway.hang_up();
    let line = stage.gateway.records(1, REFUSED).remove(0);
    let error = line["error"].as_str().expect("a text");
    for part in said {
        assert!(error.contains(part), "{part}: {error}");
    }
    let metrics = stage.gateway.metrics();
    assert_eq!(
        metrics.count("switchyard_config_last_reload_success", &[]),
        0
    );
    assert_eq!(
        metrics.count("switchyard_config_reloads_total", &[("result", "failed")]),
        1
    );
    session.talk();
    stage.open().talk();
}

fn stage() -> (Stage, String) {
    let endpoint = Endpoint::bind();
    let settings = asked(Settings::to(&[endpoint.address()]));
    let stage = Stage::of(endpoint, &settings);
    (stage, settings.render())
}

#[test]
fn a_key_that_is_none_is_named_with_its_place() {
    let (stage, yaml) = stage();
    let yaml = yaml.replace("clusters:", "clutsers:");
    refuses(
        &stage,
        &yaml,
        &["clutsers", "did you mean `clusters`", "switchyard.yaml:"],
    );
}

#[test]
fn a_file_that_is_no_yaml_is_refused() {
    let (stage, _) = stage();
    refuses(&stage, "listeners: [", &["switchyard.yaml:1"]);
}

#[test]
fn an_address_that_is_taken_is_refused_with_all_else() {
    let (stage, yaml) = stage();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let more = format!(
        "listeners:\n  - {{ name: more, address: \"{}\" }}\n",
        taken.local_addr().expect("an address")
    );
    let yaml = yaml
        .replacen("listeners:\n", &more, 1)
        .replace("over: 0s", "over: 1s");
    refuses(
        &stage,
        &yaml,
        &["listener `more` could not be bound", "in use"],
    );
}

#[test]
fn a_fault_that_is_mended_is_forgotten() {
    let (stage, yaml) = stage();
    refuses(&stage, "", &["switchyard.yaml"]);
    stage
        .gateway
        .rewrite_with(&yaml.replace("over: 0s", "over: 1s"));
    stage.gateway.hang_up();
    stage.gateway.records(1, "reloaded");
    let metrics = stage.gateway.metrics();
    assert_eq!(
        metrics.count("switchyard_config_last_reload_success", &[]),
        1
    );
}
