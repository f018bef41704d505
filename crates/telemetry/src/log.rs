//! Sets up the log: lines on standard output, written by a thread of their own; and the access log,
//! which goes the same way or to a file with a thread of its own.
//!
//! A line never blocks a worker: when the reader of standard output is too slow, or the disk is full,
//! lines are dropped and counted. What peers send cannot break a line. Nothing here decides what is
//! logged: that is `tracing`'s macros and [`crate::access`].

mod control;
mod dropped;
mod escape;
mod file;
mod lines;
mod live;
mod sink;
mod timestamp;
mod whole;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

use crate::Error;
use lines::Lines;
use live::Live;
use sink::Sink;

pub use control::{LogControl, Reopening};
pub use dropped::{AccessFileCounts, DroppedLines};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, its fields beside `timestamp`, `level`, `target` and `message`.
    Json,
    /// For people.
    Text,
}

/// The least important lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Somebody must act.
    Error,
    /// Somebody must look.
    Warn,
    /// What an operator wants to know of.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Every frame.
    Trace,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// How the access log is to be, whatever the level of the rest: a record when a session opens, when it
/// closes, now and then meanwhile, and for each plain HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// How its lines look.
    pub format: Format,
    /// Where they go; without it to standard output, between the others.
    pub file: Option<PathBuf>,
}

/// How the log is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// How lines look.
    pub format: Format,
    /// The least important lines that are written.
    pub level: Level,
    /// `None`: there is no access log.
    pub access: Option<AccessLog>,
}

/// Sets up the log of this process. Lines are flushed when the guard is dropped: keep it in `main`.
pub fn init(options: &LogOptions) -> Result<LogGuard, Error> {
    let dropped = DroppedLines::default();
    let log = sink::start("log", whole::Whole::new(std::io::stdout()), dropped.clone())?;
    let log = Arc::new(log);
    let control = LogControl::start(options)?;
    tracing::subscriber::set_global_default(subscriber(control.live(), Arc::clone(&log)))?;
    Ok(LogGuard {
        control,
        log,
        dropped,
    })
}

/// Flushes the log when dropped.
#[must_use = "lines are flushed when the guard is dropped"]
pub struct LogGuard {
    control: LogControl,
    log: Arc<Sink>,
    dropped: DroppedLines,
}

impl LogGuard {
    /// What changes the log from now on.
    pub fn control(&self) -> &LogControl {
        &self.control
    }

    /// The count of lines dropped on the way to standard output so far.
    pub fn dropped_lines(&self) -> DroppedLines {
        self.dropped.clone()
    }
}

impl Drop for LogGuard {
    /// The access log first: what becomes of it is said in the log.
    fn drop(&mut self) {
        self.control.finish();
        self.log.finish();
    }
}

fn subscriber(live: Arc<ArcSwap<Live>>, log: Arc<Sink>) -> impl Subscriber + Send + Sync {
    Registry::default().with(Lines { live, log })
}

#[cfg(test)]
mod tests;
