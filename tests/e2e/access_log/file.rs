//! The access log in a file: rotated, on a full disk, in a pipe.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::Signal;
use serde_json::Value;
use switchyard_testkit::{Endpoint, Gateway, Handshake, Settings, eventually};
use tempfile::TempDir;

use crate::support::{BINARY, Ends, Stage};

/// Beside the configuration.
const NAME: &str = "access.log";

fn log_to(file: &str) -> String {
    format!("log: {{ access: {{ file: \"{file}\" }} }}")
}

fn stage() -> Stage {
    Stage::with(|it| it.top(&log_to(NAME)))
}

/// The lines of a file, once there are so many.
#[track_caller]
fn lines(path: &Path, least: usize) -> Vec<String> {
    eventually(&format!("{least} lines in {}", path.display()), || {
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.is_empty() || text.ends_with('\n');
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        (whole && lines.len() >= least).then_some(lines)
    })
}

fn record(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// A session from its beginning to its end.
fn visit(stage: &Stage) {
    let Ends { client, server } = stage.open();
    drop((client, server));
}

#[track_caller]
fn reopened(gateway: &Gateway, times: usize) {
    gateway.signal(Signal::USR1);
    gateway.records(times, "access log reopened");
}

/// Says that it is done, however that came.
struct Always<'a>(&'a AtomicBool);

impl Drop for Always<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn it_has_the_records_and_standard_output_has_none() {
    let stage = stage();
    visit(&stage);
    let path = stage.gateway.beside(NAME);
    let messages: Vec<_> = lines(&path, 2)
        .iter()
        .map(|it| record(it)["message"].clone())
        .collect();
    assert_eq!(messages, ["session opened", "session closed"]);
    let log = stage.gateway.log().so_far();
    assert!(
        log.iter().all(|line| line["target"] != "access"),
        "{log:#?}"
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "nobody else may read it: {mode:o}");
}

#[test]
fn text_is_one_line_a_record() {
    let line = "log: { access: { file: access.log, format: text, query_values: [q] } }";
    let stage = Stage::with(|it| it.top(line));
    let _ends = stage.open_as(&Handshake::to("/?q=a%22b&token=s3cret"));
    let line = lines(&stage.gateway.beside(NAME), 1).remove(0);
    let begin = line.find(" INFO access: session opened session=1 request_id=");
    assert!(
        begin.is_some() && line.contains(r#" path="/?q=a%22b&token=*" "#),
        "{line}"
    );
}

#[test]
fn what_there_was_before_is_kept() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]).top(&log_to(NAME));
    let before = [(NAME, "from yesterday\n")];
    let stage = Stage {
        gateway: Gateway::start_beside(BINARY, &settings, &before),
        endpoint,
    };
    let _ends = stage.open();
    let lines = lines(&stage.gateway.beside(NAME), 2);
    assert_eq!(lines[0], "from yesterday");
    assert_eq!(record(&lines[1])["message"], "session opened");
}

#[test]
fn a_rotation_under_traffic_loses_no_record_and_splits_no_line() {
    const ROTATIONS: usize = 10;
    let stage = stage();
    let path = stage.gateway.beside(NAME);
    let done = AtomicBool::new(false);
    let sessions = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let mut sessions = 0;
            while !done.load(Ordering::Relaxed) {
                visit(&stage);
                sessions += 1;
            }
            sessions
        });
        let end = Always(&done);
        for rotation in 1..=ROTATIONS {
            lines(&path, 2);
            fs::rename(&path, stage.gateway.beside(&format!("{NAME}.{rotation}"))).unwrap();
            reopened(&stage.gateway, rotation);
        }
        drop(end);
        traffic.join().unwrap()
    });
    let files: Vec<PathBuf> = (1..=ROTATIONS)
        .map(|rotation| stage.gateway.beside(&format!("{NAME}.{rotation}")))
        .chain([path])
        .collect();
    let all = || -> Vec<String> { files.iter().flat_map(|file| lines(file, 0)).collect() };
    let all = eventually("the last record", || {
        Some(all()).filter(|all| all.len() == 2 * sessions)
    });
    let mut records = BTreeMap::<String, Vec<Value>>::new();
    for line in &all {
        let record = record(line);
        let session = record["session"].as_str().unwrap().to_owned();
        records
            .entry(session)
            .or_default()
            .push(record["message"].clone());
    }
    assert_eq!(records.len(), sessions);
    for messages in records.values() {
        assert_eq!(*messages, ["session opened", "session closed"]);
    }
    let labels = [("result", "ok")];
    let reopens = "switchyard_access_log_reopens_total";
    stage
        .gateway
        .wait_metric(reopens, &labels, ROTATIONS as u64);
    let dropped = "switchyard_access_log_lines_dropped_total";
    assert_eq!(stage.gateway.metrics().count(dropped, &[]), 0);
}

#[test]
fn without_its_folder_the_old_file_is_written_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("logs").join(NAME);
    fs::create_dir(folder.path().join("logs")).unwrap();
    let stage = Stage::with(|it| it.top(&log_to(&path.to_string_lossy())));
    let moved = folder.path().join("moved");
    fs::rename(folder.path().join("logs"), &moved).unwrap();
    stage.gateway.signal(Signal::USR1);
    let said = "the access log could not be reopened, the old file is kept";
    let line = stage.gateway.records(1, said).remove(0);
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["file"], *path.to_string_lossy());
    assert!(
        line["error"].as_str().unwrap().contains("No such file"),
        "{line}"
    );
    visit(&stage);
    lines(&moved.join(NAME), 2);
    let labels = [("result", "failed")];
    let reopens = "switchyard_access_log_reopens_total";
    stage.gateway.wait_metric(reopens, &labels, 1);
}

#[test]
fn a_signal_without_a_file_does_no_harm() {
    let stage = Stage::new();
    stage.gateway.signal(Signal::USR1);
    let said = "SIGUSR1: the access log has no file to reopen";
    stage.gateway.records(1, said);
    stage.open().talk();
}

#[test]
fn a_full_disk_stops_no_session_and_is_said_once() {
    let mut stage = Stage::with(|it| it.top(&log_to("/dev/full")).drain("ready_delay: 0s"));
    for _ in 0..3 {
        stage.open().talk();
    }
    let dropped = "switchyard_access_log_lines_dropped_total";
    stage
        .gateway
        .wait_metric(dropped, &[("reason", "failed")], 6);
    stage.gateway.terminate();
    stage.gateway.wait_exit();
    let said = |line: &&Value| line["level"] == "ERROR";
    let log = stage.gateway.log().to_end();
    let errors: Vec<_> = log.iter().filter(said).collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0]["file"], "/dev/full");
    assert!(
        errors[0]["error"]
            .as_str()
            .unwrap()
            .contains("No space left")
    );
}

fn pipe(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    path
}

/// A gateway that does not come up.
fn started(settings: &Settings) -> Output {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("switchyard.yaml");
    fs::write(&config, settings.render()).unwrap();
    let mut command = Command::new(BINARY);
    command.args(["run", "--config"]).arg(config);
    command.output().unwrap()
}

#[test]
fn what_cannot_be_opened_keeps_it_from_starting() {
    let folder = TempDir::new().unwrap();
    let pipe = pipe(&folder);
    let cases = [
        (
            folder.path().join("missing/access.log"),
            "No such file or directory",
        ),
        (folder.path().to_owned(), "Is a directory"),
        (pipe, "nobody reads this pipe"),
    ];
    for (path, why) in cases {
        let endpoint = Endpoint::bind();
        let settings = Settings::to(&[endpoint.address()]).top(&log_to(&path.to_string_lossy()));
        let output = started(&settings);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&*path.to_string_lossy()) && said.contains(why),
            "{said}"
        );
    }
}

#[test]
fn a_pipe_whose_reader_is_asleep_holds_up_nothing() {
    let folder = TempDir::new().unwrap();
    let path = pipe(&folder);
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let reader: File = rustix::fs::open(&path, flags, Mode::empty())
        .unwrap()
        .into();
    let long = format!("/{}", "x".repeat(7000));
    let mut stage = Stage::with(|it| {
        it.top(&log_to(&path.to_string_lossy()))
            .drain("ready_delay: 0s")
    });
    // More than a pipe holds.
    for _ in 0..20 {
        stage.open_as(&Handshake::to(&long)).talk();
    }
    stage.gateway.terminate();
    assert!(stage.gateway.wait_exit().success());
    drop(reader);
}
