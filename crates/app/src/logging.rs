//! The log, as the configuration asks for it: at start, and when that changes.

use std::time::Duration;

use switchyard_config as config;
use switchyard_telemetry::log::{self, AccessLog, Format, Level, LogControl, LogGuard, LogOptions};
use tokio::sync::watch;

use crate::error::StartError;

/// The log of this process, to be changed. Clones are the same.
#[derive(Clone)]
pub(crate) struct LiveLog {
    control: LogControl,
    every: watch::Sender<Option<Duration>>,
}

impl LiveLog {
    /// Sets it up, once a process. Its lines are flushed when the guard goes.
    pub(crate) fn start(wanted: &config::Log) -> Result<(LogGuard, Self), StartError> {
        let guard = log::init(&options(wanted))?;
        let live = Self {
            control: guard.control().clone(),
            every: watch::Sender::new(every(wanted)),
        };
        Ok((guard, live))
    }

    /// Makes it what is wanted now. Nothing changes when it fails. Which values of a query are shown is not
    /// here: requests learn that from their snapshot.
    pub(crate) fn adopt(&self, wanted: &config::Log) -> Result<(), StartError> {
        self.control.adopt(&options(wanted))?;
        self.every.send_if_modified(|current| {
            let before = std::mem::replace(current, every(wanted));
            before != *current
        });
        Ok(())
    }

    pub(crate) fn control(&self) -> &LogControl {
        &self.control
    }

    /// How often sessions that stay open are recorded, now and from now on.
    pub(crate) fn every(&self) -> watch::Receiver<Option<Duration>> {
        self.every.subscribe()
    }
}

fn every(wanted: &config::Log) -> Option<Duration> {
    wanted.access.as_ref()?.every
}

fn options(wanted: &config::Log) -> LogOptions {
    let level = match wanted.level {
        config::LogLevel::Error => Level::Error,
        config::LogLevel::Warn => Level::Warn,
        config::LogLevel::Info => Level::Info,
        config::LogLevel::Debug => Level::Debug,
        config::LogLevel::Trace => Level::Trace,
    };
    let access = wanted.access.as_ref().map(|access| AccessLog {
        format: format(access.format),
        file: access.file.clone(),
    });
    LogOptions {
        format: format(wanted.format),
        level,
        access,
    }
}

fn format(wanted: config::LogFormat) -> Format {
    match wanted {
        config::LogFormat::Json => Format::Json,
        config::LogFormat::Text => Format::Text,
    }
}
