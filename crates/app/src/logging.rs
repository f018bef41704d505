//! The log, as the configuration asks for it.

use switchyard_config as config;
use switchyard_telemetry::log::{self, AccessLog, Format, Level, LogGuard, LogOptions};

use crate::error::StartError;

/// Sets up the log of this process; its lines are flushed when the guard goes.
pub(crate) fn start(wanted: &config::Log) -> Result<LogGuard, StartError> {
    let format = match wanted.format {
        config::LogFormat::Json => Format::Json,
        config::LogFormat::Text => Format::Text,
    };
    let level = match wanted.level {
        config::LogLevel::Error => Level::Error,
        config::LogLevel::Warn => Level::Warn,
        config::LogLevel::Info => Level::Info,
        config::LogLevel::Debug => Level::Debug,
        config::LogLevel::Trace => Level::Trace,
    };
    let access = match wanted.access {
        config::AccessLog::On => AccessLog::On,
        config::AccessLog::Off => AccessLog::Off,
    };
    Ok(log::init(LogOptions {
        format,
        level,
        access,
    })?)
}
