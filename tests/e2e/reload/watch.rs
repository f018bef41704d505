//! The files of the configuration are watched.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use switchyard_testkit::{Endpoint, Gateway, Settings};

use crate::support::{BINARY, Stage};

#[test]
fn a_file_that_has_changed_is_read_again_without_being_asked_for() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]);
    let stage = Stage::of(endpoint, &settings);
    let mut session = stage.open();
    stage
        .gateway
        .rewrite(&settings.websocket("max_message: 1KiB"));
    stage.gateway.records(1, "reloaded");
    session.client.send_text(&"x".repeat(2_000));
    assert_eq!(session.client.receive_close().0, 1009);
}

#[test]
fn a_fault_is_said_once_and_mended_by_the_next_change() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]);
    let stage = Stage::of(endpoint, &settings);
    stage.gateway.rewrite_with("nonsense");
    let refused = "not reloaded: the configuration before it is still in use";
    stage.gateway.records(1, refused);
    stage
        .gateway
        .rewrite(&settings.clone().websocket("max_message: 1KiB"));
    stage.gateway.records(1, "reloaded");
    let failed = [("result", "failed")];
    let reloads = "switchyard_config_reloads_total";
    assert_eq!(stage.gateway.metrics().count(reloads, &failed), 1);
    stage.open().talk();
}

/// As kubelet does: `..data` is a link to a directory, and replaced by another in one step.
fn publish(folder: &Path, version: &str, yaml: &str) {
    let data = folder.join(version);
    fs::create_dir(&data).expect("a directory");
    fs::write(data.join("switchyard.yaml"), yaml).expect("a file");
    symlink(version, folder.join("..next")).expect("a link");
    fs::rename(folder.join("..next"), folder.join("..data")).expect("a link in its place");
}

#[test]
fn a_config_map_that_is_replaced_is_read_again() {
    let (endpoint, folder) = (
        Endpoint::bind(),
        tempfile::TempDir::new().expect("a folder"),
    );
    let settings = Settings::to(&[endpoint.address()]);
    publish(folder.path(), "..1", &settings.render());
    let config = folder.path().join("switchyard.yaml");
    symlink("..data/switchyard.yaml", &config).expect("a link");
    let gateway = Gateway::start_at(BINARY, &config);
    publish(
        folder.path(),
        "..2",
        &settings.websocket("max_message: 1KiB").render(),
    );
    gateway.records(1, "reloaded");
}

#[test]
fn a_secret_that_the_configuration_names_is_watched_too() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]).top("affinity_key_file: key");
    let files = [("key", "sixteen bytes or more")];
    let gateway = Gateway::start_beside(BINARY, &settings, &files);
    let key = gateway.config().with_file_name("key");
    fs::write(key, "another one of sixteen bytes or more").expect("a file");
    gateway.records(1, "reloaded");
}
