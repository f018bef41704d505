//! The log of a process that is running: its settings change, and the file of the access log.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tracing::trace;

use super::*;

/// How long a thread may take to write a line.
const PATIENCE: Duration = Duration::from_secs(20);

/// A log on a page, and what changes it.
struct Desk {
    page: Page,
    log: Arc<Sink>,
    control: LogControl,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let page = Page::default();
        Self {
            log: log_to(&page),
            page,
            control: LogControl::start(&json()).expect("no file to open"),
            folder: TempDir::new().expect("a folder"),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Logs what `work` does.
    fn during(&self, work: impl FnOnce()) {
        let subscriber = subscriber(self.control.live(), Arc::clone(&self.log));
        tracing::subscriber::with_default(subscriber, work);
    }

    /// The messages on the page, all lines written.
    fn finish(self) -> Vec<String> {
        self.control.finish();
        self.log.finish();
        messages(self.page.lines())
    }
}

fn messages(lines: Vec<String>) -> Vec<String> {
    let message = |line: String| {
        let record: Value = serde_json::from_str(&line).expect("a line is a JSON object");
        record["message"].as_str().expect("a message").to_owned()
    };
    lines.into_iter().map(message).collect()
}

fn to_file(path: &Path, format: Format) -> LogOptions {
    let file = Some(path.to_owned());
    LogOptions {
        access: Some(AccessLog { format, file }),
        ..json()
    }
}

/// Waits until a file has so many lines.
#[track_caller]
fn lines_of(path: &Path, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(Instant::now() < deadline, "{}: {text}", path.display());
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// An event in one place, whose interest is remembered there.
fn whisper() {
    trace!("whispered");
}

#[test]
fn the_level_changes_at_once() {
    let desk = Desk::new();
    desk.during(|| {
        whisper();
        let louder = options(Format::Json, Level::Trace, true);
        desk.control.adopt(&louder).expect("nothing to open");
        whisper();
        desk.control.adopt(&json()).expect("nothing to open");
        whisper();
    });
    assert_eq!(desk.finish(), ["whispered"]);
}

#[test]
fn the_access_log_goes_on_and_off() {
    let desk = Desk::new();
    desk.during(|| {
        let off = options(Format::Json, Level::Info, false);
        desk.control.adopt(&off).expect("nothing to open");
        opened().emit();
        info!("between");
        desk.control.adopt(&json()).expect("nothing to open");
        closed().emit();
    });
    assert_eq!(desk.finish(), ["between", "session closed"]);
}

#[test]
fn the_format_changes_with_the_next_line() {
    let desk = Desk::new();
    desk.during(|| {
        info!("first");
        let text = options(Format::Text, Level::Info, true);
        desk.control.adopt(&text).expect("nothing to open");
        info!("second");
    });
    desk.log.finish();
    let lines = desk.page.lines();
    assert!(
        lines[0].starts_with('{') && lines[1].contains(": second"),
        "{lines:?}"
    );
}

#[test]
fn access_records_go_to_the_file_alone_and_in_its_format() {
    let desk = Desk::new();
    let path = desk.file("access.log");
    desk.during(|| {
        let wanted = to_file(&path, Format::Text);
        desk.control.adopt(&wanted).expect("a file");
        opened().emit();
        info!("beside it");
    });
    let lines = lines_of(&path, 1);
    assert!(
        lines[0].contains(" access: session opened session=00ff "),
        "{lines:?}"
    );
    assert_eq!(desk.finish(), ["beside it"]);
}

#[test]
fn another_file_gets_the_records_from_then_on_and_the_old_one_keeps_its_own() {
    let desk = Desk::new();
    let (first, second) = (desk.file("first"), desk.file("second"));
    desk.during(|| {
        for path in [&first, &second] {
            desk.control
                .adopt(&to_file(path, Format::Json))
                .expect("a file");
            opened().emit();
            closed().emit();
        }
    });
    for path in [&first, &second] {
        assert_eq!(
            messages(lines_of(path, 2)),
            ["session opened", "session closed"]
        );
    }
}

#[test]
fn what_cannot_be_opened_changes_nothing() {
    let desk = Desk::new();
    let path = desk.file("access.log");
    let nowhere = desk.file("missing").join("access.log");
    desk.during(|| {
        desk.control
            .adopt(&to_file(&path, Format::Json))
            .expect("a file");
        let wanted = LogOptions {
            level: Level::Error,
            ..to_file(&nowhere, Format::Text)
        };
        let error = desk.control.adopt(&wanted).expect_err("no such folder");
        assert_eq!(error.reason(), "access_log");
        let said = error.to_string();
        assert!(said.contains(&*nowhere.to_string_lossy()), "{said}");
        assert!(said.contains("No such file or directory"), "{said}");
        info!("still");
        opened().emit();
    });
    assert_eq!(messages(lines_of(&path, 1)), ["session opened"]);
    assert_eq!(desk.finish(), ["still"]);
}

#[test]
fn a_file_that_was_moved_away_is_opened_anew() {
    let desk = Desk::new();
    let (path, moved) = (desk.file("access.log"), desk.file("access.log.1"));
    assert_eq!(desk.control.reopen(), Reopening::NoFile);
    desk.during(|| {
        desk.control
            .adopt(&to_file(&path, Format::Json))
            .expect("a file");
        opened().emit();
        lines_of(&path, 1);
        fs::rename(&path, &moved).expect("it is there");
        closed().emit();
        lines_of(&moved, 2);
        assert_eq!(desk.control.reopen(), Reopening::Asked);
        opened().emit();
        assert_eq!(messages(lines_of(&path, 1)), ["session opened"]);
    });
    assert_eq!(desk.control.access_file().reopened(), 1);
    assert_eq!(lines_of(&moved, 2).len(), 2);
}

#[test]
fn a_file_that_cannot_be_opened_anew_is_kept() {
    let desk = Desk::new();
    let folder = desk.file("logs");
    fs::create_dir(&folder).expect("a folder");
    let (path, moved) = (folder.join("access.log"), desk.file("access.log.1"));
    desk.during(|| {
        desk.control
            .adopt(&to_file(&path, Format::Json))
            .expect("a file");
        opened().emit();
        lines_of(&path, 1);
        fs::rename(&path, &moved).expect("it is there");
        fs::remove_dir(&folder).expect("it is empty");
        desk.control.reopen();
        closed().emit();
        assert_eq!(
            messages(lines_of(&moved, 2)),
            ["session opened", "session closed"]
        );
    });
    let counts = desk.control.access_file();
    assert_eq!((counts.reopened(), counts.not_reopened()), (0, 1));
}

#[test]
fn a_full_disk_is_counted() {
    let desk = Desk::new();
    let full = to_file(Path::new("/dev/full"), Format::Json);
    desk.during(|| {
        desk.control.adopt(&full).expect("it can be opened");
        for _ in 0..3 {
            opened().emit();
        }
    });
    desk.control.finish();
    let counts = desk.control.access_file();
    assert_eq!((counts.dropped.failed(), counts.dropped.slow()), (3, 0));
    let metrics = metrics();
    metrics.count_access_file(counts).expect("once");
    let sample = "\nswitchyard_access_log_lines_dropped_total{reason=\"failed\"} 3\n";
    assert!(metrics.render().expect("renders").contains(sample));
}

#[test]
fn a_pipe_that_nobody_reads_is_not_waited_for() {
    let desk = Desk::new();
    let path = desk.file("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    let wanted = to_file(&path, Format::Json);
    let error = desk.control.adopt(&wanted).expect_err("nobody reads it");
    assert!(
        error.to_string().ends_with("nobody reads this pipe"),
        "{error}"
    );
}
