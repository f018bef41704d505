//! What is logged, how and where to: one value that is swapped as a whole while lines are written.
//!
//! Not here: who swaps it (`control`).

use std::sync::Arc;

use tracing::Metadata;
use tracing_subscriber::filter::LevelFilter;

use super::sink::Sink;
use super::{Format, LogOptions};
use crate::access;

/// The level of every access record.
const ACCESS_LEVEL: LevelFilter = LevelFilter::INFO;

/// The log as it is now.
pub(super) struct Live {
    format: Format,
    level: LevelFilter,
    access: Option<AccessLines>,
}

/// What becomes of access records.
struct AccessLines {
    format: Format,
    /// `None`: they go where all lines go.
    file: Option<Arc<Sink>>,
}

impl Live {
    /// The log as `options` say, with the access log's file, if it has one.
    pub(super) fn new(options: &LogOptions, file: Option<Arc<Sink>>) -> Self {
        Self {
            format: options.format,
            level: options.level.into(),
            access: options.access.as_ref().map(|access| AccessLines {
                format: access.format,
                file,
            }),
        }
    }

    /// Whether an event is written.
    pub(super) fn takes(&self, event: &Metadata<'_>) -> bool {
        if is_told_by_us(event) && self.level < LevelFilter::DEBUG {
            false
        } else if is_access(event) {
            self.access.is_some() && *event.level() <= ACCESS_LEVEL
        } else {
            *event.level() <= self.level
        }
    }

    /// The least important events that are written anywhere.
    pub(super) fn most(&self) -> LevelFilter {
        match self.access {
            Some(_) => self.level.max(ACCESS_LEVEL),
            None => self.level,
        }
    }

    /// How an event that is written looks, and where it goes; `log` is for most.
    pub(super) fn way<'a>(&'a self, event: &Metadata<'_>, log: &'a Sink) -> (Format, &'a Sink) {
        match &self.access {
            Some(access) if is_access(event) => {
                (access.format, access.file.as_deref().unwrap_or(log))
            }
            Some(_) | None => (self.format, log),
        }
    }
}

/// Whether it is a library's word for what the gateway says in its own: each attempt to connect to NATS.
fn is_told_by_us(event: &Metadata<'_>) -> bool {
    event.target().starts_with("async_nats")
}

fn is_access(event: &Metadata<'_>) -> bool {
    event.target() == access::TARGET
}
