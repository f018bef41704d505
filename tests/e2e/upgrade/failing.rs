//! Upgrades that come to nothing: the old process goes on with all that it has.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;
use switchyard_testkit::lines::message;
use switchyard_testkit::{Endpoint, Frame, Gateway, Settings, eventually};
use tempfile::TempDir;

use super::{Successor, fail_to_upgrade, has_ended, quick, signal_to, upgrade, wait_sessions};
use crate::support::{BINARY, Ends, Stage};

/// More sessions than are on their way at once, many times over.
const MANY: usize = 1_500;

/// A place for the binary that can be given another.
struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("switchyard");
        symlink(BINARY, &path).expect("a link");
        Self {
            _folder: folder,
            path,
        }
    }

    /// A script lies there now.
    fn put(&self, script: &str) {
        fs::remove_file(&self.path).expect("it is there");
        fs::write(&self.path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o755)).expect("a file");
    }

    fn stage(&self) -> Stage {
        let endpoint = Endpoint::bind();
        let settings = quick(Settings::to(&[endpoint.address()]));
        let gateway = Gateway::start(&self.path, &settings);
        Stage { gateway, endpoint }
    }
}

/// Everything is as it was.
#[track_caller]
fn goes_on(stage: &Stage, ends: &mut Ends, reason: &str) {
    ends.talk();
    stage.open().talk();
    let labels = [("result", reason)];
    stage
        .gateway
        .wait_metric("switchyard_upgrades_total", &labels, 1);
    let failed = |line: &Value| message(line, "not upgraded, and going on");
    let line = stage.gateway.log().wait_for("not upgraded", failed);
    assert_eq!(line["reason"], reason, "{line}");
}

#[test]
fn a_wrong_configuration_is_said_and_changes_nothing() {
    let mut stage = Stage::with(quick);
    let mut ends = stage.open();
    let config = stage.gateway.config();
    let right = fs::read_to_string(&config).expect("it is there");
    fs::write(&config, format!("{right}nonsense: true\n")).expect("a file");
    let error = fail_to_upgrade(stage.gateway.id());
    assert!(
        error.contains("the new process did not get ready"),
        "{error}"
    );
    goes_on(&stage, &mut ends, "not_ready");
    fs::write(&config, right).expect("a file");
    let _successor = upgrade(stage.gateway.id());
    stage.gateway.wait_exit();
    ends.talk();
}

#[test]
fn a_binary_that_cannot_be_started_changes_nothing() {
    let place = Place::new();
    let stage = place.stage();
    let mut ends = stage.open();
    fs::remove_file(&place.path).expect("it is there");
    let error = fail_to_upgrade(stage.gateway.id());
    assert!(error.contains("could not be started"), "{error}");
    goes_on(&stage, &mut ends, "start");
}

#[test]
fn a_new_process_that_ends_or_hangs_at_once_changes_nothing() {
    let place = Place::new();
    let stage = place.stage();
    let mut ends = stage.open();
    place.put("exit 7");
    fail_to_upgrade(stage.gateway.id());
    goes_on(&stage, &mut ends, "not_ready");
    place.put("exec sleep 1000");
    let asking = {
        let id = stage.gateway.id();
        std::thread::spawn(move || super::ask(id))
    };
    let upgrading = |line: &Value| message(line, "upgrading");
    let lines = stage.gateway.log().wait_for_many(2, "upgrading", upgrading);
    ends.talk();
    signal_to(process(&lines[1]), Signal::KILL);
    let output = asking.join().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    ends.talk();
}

#[test]
fn a_request_to_stop_comes_first() {
    let place = Place::new();
    let mut stage = place.stage();
    let Ends { client, server } = stage.open();
    place.put("exec sleep 1000");
    let id = stage.gateway.id();
    let asking = std::thread::spawn(move || fail_to_upgrade(id));
    let upgrading = |line: &Value| message(line, "upgrading");
    let line = stage.gateway.log().wait_for("upgrading", upgrading);
    stage.gateway.terminate();
    let error = asking.join().expect("it runs");
    assert!(error.contains("was asked to stop meanwhile"), "{error}");
    eventually("the new process to be killed", || {
        has_ended(process(&line)).then_some(())
    });
    let closing = std::thread::spawn(move || server.answer_close());
    assert_eq!(client.answer_close(), 1012);
    assert_eq!(closing.join().expect("no panic"), 1012);
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
}

fn process(line: &Value) -> u32 {
    let id = line["pid"].as_u64().and_then(|id| id.try_into().ok());
    id.expect("a process id")
}

/// Kills or stops a process when the first sessions have gone over; whether the upgrade was done, and who it
/// was for.
#[track_caller]
fn half_way(stage: &Stage, signal: Signal, pick: impl FnOnce(u32) -> u32) -> (bool, u32) {
    let id = stage.gateway.id();
    let asking = std::thread::spawn(move || super::ask(id));
    let line = stage
        .gateway
        .log()
        .wait_for("upgrading", |line| message(line, "upgrading"));
    let successor = process(&line);
    stage
        .gateway
        .log()
        .wait_for("a session", |line| message(line, "session taken over"));
    signal_to(pick(successor), signal);
    (asking.join().expect("it runs").status.success(), successor)
}

/// How many sessions live.
fn living(sessions: &mut [Ends]) -> usize {
    let talks = |ends: &mut Ends| {
        let sent = ends.client.encode(&Frame::text("there?"));
        if ends.client.socket().try_send(&sent).is_err() || !ends.server.socket().has_more() {
            return false;
        }
        ends.server.receive_text() == "there?"
    };
    sessions
        .iter_mut()
        .map(talks)
        .filter(|talks| *talks)
        .count()
}

#[test]
fn a_new_process_that_dies_half_way_takes_no_more_with_it_than_it_has() {
    let stage = Stage::with(quick);
    let mut sessions: Vec<_> = (0..MANY).map(|_| stage.open()).collect();
    let (is_upgraded, _) = half_way(&stage, Signal::KILL, |successor| successor);
    assert!(!is_upgraded, "it was killed too late");
    let handed_over = stage
        .gateway
        .metrics()
        .count("switchyard_sessions_handed_over_total", &[]);
    let handed_over = usize::try_from(handed_over).expect("not many");
    assert!((1..MANY).contains(&handed_over), "{handed_over}");
    assert_eq!(living(&mut sessions), MANY - handed_over);
    wait_sessions(&stage.gateway, (MANY - handed_over) as u64);
    stage.open().talk();
}

/// It holds up one batch, whose sessions then go on where they were. What it has it gives up when it is told
/// that the upgrade is off.
#[test]
fn a_new_process_that_hangs_half_way_is_given_up() {
    let stage = Stage::with(quick);
    let mut sessions: Vec<_> = (0..MANY).map(|_| stage.open()).collect();
    let (is_upgraded, successor) = half_way(&stage, Signal::STOP, |successor| successor);
    let successor = Successor { id: successor };
    assert!(!is_upgraded, "it was stopped too late");
    let metrics = stage.gateway.metrics();
    let handed_over = metrics.count("switchyard_sessions_handed_over_total", &[]);
    let handed_over = usize::try_from(handed_over).expect("not many");
    assert!((1..MANY).contains(&handed_over), "{handed_over}");
    let labels = [("result", "timeout")];
    assert_eq!(metrics.count("switchyard_upgrades_total", &labels), 1);
    wait_sessions(&stage.gateway, (MANY - handed_over) as u64);
    successor.signal(Signal::CONT);
    // Who is there is told to come again, and nobody else is told anything.
    let mut told = || sessions.iter_mut().filter_map(is_told).count();
    eventually("its sessions to be told", || {
        (told() == handed_over).then_some(())
    });
    drop(sessions);
    successor.wait_end();
}

#[test]
fn an_old_process_that_dies_half_way_leaves_what_has_gone_over() {
    let stage = Stage::with(quick);
    let mut sessions: Vec<_> = (0..MANY).map(|_| stage.open()).collect();
    let id = stage.gateway.id();
    let (_, successor) = half_way(&stage, Signal::KILL, |_| id);
    let _successor = Successor { id: successor };
    stage
        .gateway
        .log()
        .wait_for("the end", |line| message(line, "taken over"));
    let living = living(&mut sessions);
    assert!(living > 0, "none was left");
    wait_sessions(&stage.gateway, living as u64);
    stage.open().talk();
}

/// The limit has room for the sockets and a few sessions.
#[test]
fn sessions_that_the_new_process_has_no_descriptors_for_stay() {
    let place = Place::new();
    let mut stage = place.stage();
    let mut sessions: Vec<_> = (0..200).map(|_| stage.open()).collect();
    place.put(&format!("ulimit -n 300\nexec {BINARY} \"$@\""));
    let _successor = upgrade(stage.gateway.id());
    let moved = stage
        .gateway
        .metrics()
        .count("switchyard_sessions_taken_over_total", &[]);
    assert!((1..200).contains(&moved), "{moved}");
    // Those that stay are told at once, the others nothing.
    let stay = 200 - moved;
    let mut told = || sessions.iter_mut().filter_map(is_told).count();
    eventually("the others to be told", || {
        (told() as u64 == stay).then_some(())
    });
    drop(sessions);
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
}

/// A client that has something to read.
fn is_told(ends: &mut Ends) -> Option<()> {
    let socket = ends.client.socket();
    socket.set_nonblocking();
    socket.has_more().then_some(())
}
