//! The helpers of `tests/clients`: real WebSocket and Socket.IO implementations, and a browser.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::Process;

/// Starts a script of `tests/clients`; `.mjs` runs in node, `.py` in the tests' own python.
#[track_caller]
pub fn start(script: &str, arguments: &[&str]) -> Process {
    let folder = folder();
    let mut command = match script.rsplit_once('.') {
        Some((_, "mjs")) => node(&folder),
        _ => python(&folder),
    };
    command.arg(folder.join(script)).args(arguments);
    Process::start(command)
}

/// Starts a helper that serves, and waits until it listens.
#[track_caller]
pub fn serve(script: &str, arguments: &[&str]) -> (Process, SocketAddr) {
    let process = start(script, arguments);
    let line = process
        .stdout()
        .wait_for("listening", |line| line["listening"].is_u64());
    let port = line["listening"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok());
    (
        process,
        SocketAddr::from(([127, 0, 0, 1], port.expect("a port"))),
    )
}

/// Runs a helper to its end; returns its last line. Fails when it does.
#[track_caller]
pub fn run(script: &str, arguments: &[&str]) -> Value {
    let mut process = start(script, arguments);
    let status = process.wait_exit();
    let lines = process.stdout().to_end();
    assert!(status.success(), "{script} failed: {process}");
    lines
        .last()
        .cloned()
        .unwrap_or_else(|| panic!("{script} said nothing"))
}

#[track_caller]
fn node(folder: &Path) -> Command {
    installed(&folder.join("node_modules"));
    Command::new("node")
}

#[track_caller]
fn python(folder: &Path) -> Command {
    let python = folder.join(".venv/bin/python");
    installed(&python);
    let mut command = Command::new(python);
    command.arg("-B"); // leaves no byte code in the tree
    command
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients")
}

#[track_caller]
fn installed(path: &Path) {
    assert!(
        path.exists(),
        "{} is missing: run tests/setup first",
        path.display()
    );
}
