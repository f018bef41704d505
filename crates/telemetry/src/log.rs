//! Sets up the log: lines on standard output, written by a thread of their own.
//!
//! A line never blocks a worker: when the reader of standard output is too slow, lines are dropped
//! and counted. What peers send cannot break a line. Nothing here decides what is logged: that is
//! `tracing`'s macros and [`crate::access`].

mod escape;
mod lines;
mod sink;
mod timestamp;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

use crate::{Error, access};
use lines::Lines;

pub use sink::DroppedLines;

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

/// Whether the access log is written, whatever the level of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// A record when a session opens, when it closes, and for each plain HTTP request.
    On,
    /// None.
    Off,
}

/// How the log is to be.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// How lines look.
    pub format: Format,
    /// The least important lines that are written.
    pub level: Level,
    /// Whether the access log is written.
    pub access: AccessLog,
}

/// Sets up the log of this process. Lines are flushed when the guard is dropped: keep it in `main`.
pub fn init(options: LogOptions) -> Result<LogGuard, Error> {
    let (sink, guard) = sink::start(std::io::stdout())?;
    let put = move |line: &[u8]| sink.put(line);
    tracing::subscriber::set_global_default(subscriber(options, put))?;
    Ok(LogGuard { guard })
}

/// Flushes the log when dropped.
#[must_use = "lines are flushed when the guard is dropped"]
pub struct LogGuard {
    guard: sink::Guard,
}

impl LogGuard {
    /// The count of lines dropped so far.
    pub fn dropped_lines(&self) -> DroppedLines {
        self.guard.dropped()
    }
}

fn subscriber(
    options: LogOptions,
    put: impl Fn(&[u8]) + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let lines = Lines {
        format: options.format,
        put,
    };
    Registry::default().with(filter(options)).with(lines)
}

fn filter(options: LogOptions) -> Targets {
    let access = match options.access {
        AccessLog::On => LevelFilter::INFO,
        AccessLog::Off => LevelFilter::OFF,
    };
    Targets::new()
        .with_default(LevelFilter::from(options.level))
        .with_target(access::TARGET, access)
}

#[cfg(test)]
mod tests;
