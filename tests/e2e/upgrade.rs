//! The binary is replaced under live sessions: none of them notices, and what goes wrong changes nothing.

mod failing;
mod staying;
mod traffic;

use std::fs;
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use switchyard_testkit::lines::message;
use switchyard_testkit::{Frame, Gateway, Settings, eventually};

use crate::support::{BINARY, Ends, Stage};

/// A process that has taken over from one that a test started. Dropping it kills it.
pub(crate) struct Successor {
    pub(crate) id: u32,
}

impl Successor {
    pub(crate) fn signal(&self, signal: Signal) {
        signal_to(self.id, signal);
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn wait_end(&self) {
        eventually("the process to end", || has_ended(self.id).then_some(()));
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn signal_to(id: u32, signal: Signal) {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    // It may have ended by itself.
    let _ = kill_process(pid.expect("a process id"), signal);
}

/// Whoever adopted it may not have looked at it yet.
fn has_ended(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default();
    state.trim_start().starts_with('Z') || state.is_empty()
}

/// `switchyard upgrade`, to its end.
fn ask(id: u32) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["upgrade", "--pid", &id.to_string()]);
    command.output().expect("it runs")
}

/// Has process `id` replaced.
#[track_caller]
pub(crate) fn upgrade(id: u32) -> Successor {
    let output = ask(id);
    let (said, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{error}");
    let process = said
        .strip_prefix("process ")
        .and_then(|it| it.split(' ').next());
    let successor = Successor {
        id: process
            .and_then(|it| it.parse().ok())
            .expect("a process id"),
    };
    assert_ne!(successor.id, id);
    successor
}

/// Has it fail; what was said.
#[track_caller]
pub(crate) fn fail_to_upgrade(id: u32) -> String {
    let output = ask(id);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Drains at once.
fn quick(settings: Settings) -> Settings {
    settings.drain("over: 0s").drain("deadline: 20s")
}

#[track_caller]
fn wait_sessions(gateway: &Gateway, count: u64) {
    let labels = [("route", "main"), ("protocol", "h1")];
    gateway.wait_metric("switchyard_sessions", &labels, count);
}

#[test]
fn an_idle_session_goes_on_and_is_closed_and_counted_there() {
    let mut stage = Stage::with(quick);
    let mut ends = stage.open();
    ends.talk();
    let opened = stage.gateway.records(1, "session opened").remove(0);
    let _successor = upgrade(stage.gateway.id());
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
    wait_sessions(&stage.gateway, 1);
    let endpoint = stage.endpoint.address().to_string();
    let labels = [("cluster", "main"), ("endpoint", endpoint.as_str())];
    stage
        .gateway
        .wait_metric("switchyard_endpoint_sessions", &labels, 1);
    ends.talk();
    let Ends { client, server } = ends;
    let closing = std::thread::spawn(move || server.answer_close());
    client.close(4001);
    assert_eq!(closing.join().expect("no panic"), 4001);
    let closed = stage.gateway.closed();
    for field in ["session", "request_id", "endpoint", "client"] {
        assert_eq!(opened[field], closed[field], "{closed}");
    }
    assert_eq!(closed["messages_from_downstream"], 2, "{closed}");
    assert_eq!(closed["code"], 4001, "{closed}");
    let metrics = stage.gateway.metrics();
    let count = |name| metrics.count(name, &[]);
    assert_eq!(count("switchyard_sessions_taken_over_total"), 1);
    let labels = [("code", "4xxx"), ("initiator", "downstream")];
    assert_eq!(metrics.count("switchyard_session_closes_total", &labels), 1);
    wait_sessions(&stage.gateway, 0);
    stage
        .gateway
        .wait_metric("switchyard_listener_connections", &[("listener", "web")], 0);
}

#[test]
fn three_upgrades_in_a_row_by_command_and_by_signal() {
    let mut stage = Stage::with(quick);
    let mut ends = stage.open();
    let first = upgrade(stage.gateway.id());
    stage.gateway.wait_exit();
    ends.talk();
    let second = upgrade(first.id);
    first.wait_end();
    ends.talk();
    second.signal(Signal::USR2);
    let upgraded = |line: &serde_json::Value| message(line, "upgraded");
    let lines = stage.gateway.log().wait_for_many(3, "upgraded", upgraded);
    let id = lines[2]["pid"].as_u64().and_then(|id| id.try_into().ok());
    let third = Successor {
        id: id.expect("a process id"),
    };
    second.wait_end();
    ends.talk();
    let mut another = stage.open();
    another.talk();
    wait_sessions(&stage.gateway, 2);
    third.signal(Signal::TERM);
    for Ends { client, server } in [ends, another] {
        let closing = std::thread::spawn(move || server.answer_close());
        assert_eq!(client.answer_close(), 1012);
        assert_eq!(closing.join().expect("no panic"), 1012);
    }
    third.wait_end();
    let ids: std::collections::BTreeSet<_> = stage
        .gateway
        .records(2, "session closed")
        .iter()
        .map(|record| record["session"].to_string())
        .collect();
    assert_eq!(ids.len(), 2, "two sessions have one name");
}

/// Only where both ends agreed to it may a frame say that it is compressed.
#[test]
fn what_was_agreed_on_goes_along() {
    let mut stage = Stage::with(quick);
    let (mut compressed, mut plain) = (stage.open_compressed(), stage.open());
    let _successor = upgrade(stage.gateway.id());
    stage.gateway.wait_exit();
    let frame = Frame::binary("squeezed").with_reserved(0b100);
    compressed.client.send(&frame);
    assert_eq!(compressed.server.receive(), frame);
    plain.client.send(&frame);
    assert_eq!(plain.client.receive_close().0, 1002);
}

#[test]
fn nobody_is_asked_who_is_no_gateway() {
    let error = fail_to_upgrade(std::process::id());
    assert!(error.contains("is no gateway"), "{error}");
}
