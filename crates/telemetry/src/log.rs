//! Sets up the log: lines on standard output, written by a thread of their own.
//!
//! A line never blocks a worker: when the reader of standard output is too slow, lines are dropped
//! and counted. What peers send cannot break a line. Nothing here decides what is logged: that is
//! `tracing`'s macros and [`crate::access`].

mod line;

use std::io::{BufWriter, Write};

use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

use crate::{Error, access};
use line::OneLine;

/// Lines that may wait for a slow reader of standard output before some are dropped.
const LINES_WAITING: usize = 32_768;

/// What is written in one system call when there is much to write, in bytes.
const WRITE_BUFFER: usize = 64 * 1024;

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
    let (writer, guard) = non_blocking(std::io::stdout(), LINES_WAITING);
    let dropped = DroppedLines(writer.error_counter());
    tracing::subscriber::set_global_default(subscriber(options, writer))?;
    Ok(LogGuard {
        dropped,
        _flush: guard,
    })
}

/// Flushes the log when dropped.
#[must_use = "lines are flushed when the guard is dropped"]
pub struct LogGuard {
    dropped: DroppedLines,
    _flush: WorkerGuard,
}

impl LogGuard {
    /// The count of lines dropped so far.
    pub fn dropped_lines(&self) -> DroppedLines {
        self.dropped.clone()
    }
}

/// How many lines were dropped because the reader of standard output was too slow.
#[derive(Clone)]
pub struct DroppedLines(ErrorCounter);

impl DroppedLines {
    /// Lines since the start.
    pub fn count(&self) -> u64 {
        u64::try_from(self.0.dropped_lines()).unwrap_or(u64::MAX)
    }
}

fn non_blocking(output: impl Write + Send + 'static, lines: usize) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(lines)
        .thread_name("log")
        .finish(BufWriter::with_capacity(WRITE_BUFFER, output))
}

fn subscriber<W>(options: LogOptions, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    Registry::default().with(layer(options.format, OneLine(writer)).with_filter(filter(options)))
}

fn layer<W>(format: Format, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        Format::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
        Format::Text => layer.boxed(),
    }
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
