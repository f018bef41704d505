//! The worked example of the documents: the demo's chat across servers, and the publishers in Python and Node as they stand
//! there.

use std::fs;
use std::path::Path;
use std::process::Command;

use switchyard_testkit::Process;

use super::bus::{Fleet, Server};

/// Runs a publisher of the documents to its end.
#[track_caller]
fn run(script: &str, arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clients = root.join("tests/clients");
    let original = root.join("docs/push").join(script);
    let program = if script.ends_with("py") {
        clients.join(".venv/bin/python")
    } else {
        "node".into()
    };
    // Node looks for packages from where a module is: beside those of the tests.
    let suffix = format!("-{script}");
    let copy = tempfile::Builder::new()
        .suffix(&suffix)
        .tempfile_in(clients);
    let copy = copy.expect("a file");
    fs::copy(original, copy.path()).expect("a copy");
    let mut command = Command::new(program);
    command.arg(copy.path()).args(arguments);
    let status = Process::start(command).wait_exit();
    assert!(status.success(), "{script} failed");
}

#[test]
fn publishers() {
    for (server, native) in [
        (Server::redis(), "publish.py"),
        (Server::nats(), "publish.mjs"),
    ] {
        let fleet = Fleet::new(server, 2, "");
        let mut sessions = [fleet.open(0, "/room.lobby"), fleet.open(1, "/room.lobby")];
        let admin = format!("http://{}", fleet.gateways[0].admin());
        fleet.settle("room.lobby", &mut sessions);
        let message = r#"{"type":"message","nickname":"news","text":"we are live"}"#;
        for script in ["publish.py", "publish.mjs"] {
            run(script, &[&admin, "room.lobby", message]);
        }
        run(native, &[&fleet.server.url(), "room.lobby", message]);
        for ends in &mut sessions {
            for _ in 0..3 {
                assert_eq!(ends.client.receive_text(), message);
            }
            ends.talk();
        }
    }
}
