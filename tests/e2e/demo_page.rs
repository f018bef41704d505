//! The demo's page in headless Chromium.

use std::process::Command;

use serde_json::Value;
use switchyard_testkit::{Process, clients};

use crate::support::BINARY;

#[test]
fn two_people_chat_reload_and_survive_a_dead_server() {
    let mut command = Command::new(BINARY);
    command.args(["demo", "--port", "0", "--admin-port", "0"]);
    let demo = Process::start(command);
    let said = demo
        .stdout()
        .wait_for("the page's address", |line| page(line).is_some());
    let url = page(&said).unwrap();
    let seen = clients::run("demo_browser.mjs", &[url]);
    assert_ne!(seen["server"], seen["moved_to"]);
    let close = seen["closes"][0].as_str().unwrap();
    assert!(
        close.starts_with("close: 1012"),
        "a dead server is told as a restart: {seen}"
    );
}

/// The first http address of a line, if it has one.
fn page(line: &Value) -> Option<&str> {
    line.as_str()?
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
}
