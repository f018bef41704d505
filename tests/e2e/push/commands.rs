//! The command line: publish, channels, and what can be done with one session.

use std::process::Command;

use switchyard_testkit::Gateway;

use super::{by_path, names};
use crate::support::{BINARY, Stage};

/// What a command prints, which succeeds.
#[track_caller]
fn ask(gateway: &Gateway, arguments: &[&str]) -> String {
    let mut command = Command::new(BINARY);
    let admin = format!("http://{}", gateway.admin());
    command.args(arguments).args(["--admin", &admin]);
    let output = command.output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_channel_and_a_session_are_spoken_to() {
    let stage = Stage::with(by_path);
    let gateway = &stage.gateway;
    let mut ends = stage.open_at("/a");
    let name = names(gateway).remove(0);
    let said = ask(gateway, &["publish", "a", "--text", "to all"]);
    assert!(said.contains("CHANNEL") && said.contains("a "), "{said}");
    assert_eq!(ends.client.receive_text(), "to all");
    ask(gateway, &["sessions", "send", &name, "--text", "to you"]);
    assert_eq!(ends.client.receive_text(), "to you");
    let said = ask(gateway, &["sessions", "subscribe", &name, "room:a/b"]);
    assert_eq!(said, format!("subscribed: {name}\n"));
    ask(gateway, &["publish", "room:a/b", "--text", "in the room"]);
    assert_eq!(ends.client.receive_text(), "in the room");
    let shown = ask(gateway, &["sessions", "show", &name]);
    assert!(shown.contains("a, room:a/b"), "{shown}");
    let listed = ask(gateway, &["channels", "--prefix", "room:"]);
    assert!(
        listed.contains("room:a/b") && listed.contains('1'),
        "{listed}"
    );
    ask(gateway, &["sessions", "unsubscribe", &name, "room:a/b"]);
    ask(gateway, &["publish", "room:a/b", "--text", "nobody hears"]);
    ends.talk();
}
