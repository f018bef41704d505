//! What concerns the process and not its traffic: drain, admin, log, workers.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;
use super::choice::choice;

/// How sessions are asked to go at shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Not ready but still accepting, so that load balancers notice.
    pub ready_delay: Duration,
    /// Close frames are spread over this.
    pub over: Duration,
    /// Which sessions are asked first.
    pub order: DrainOrder,
    /// What they are told.
    pub close: DrainClose,
    /// From the end of `ready_delay`; what is left then is cut. At least `over`.
    pub deadline: Duration,
}

choice! {
    /// Which sessions are asked to go first.
    DrainOrder {
        /// Longest without a message first.
        IdleFirst = "idle_first",
        /// Longest open first.
        OldestFirst = "oldest_first",
        /// At random.
        Random = "random",
    }
}

/// The Close frame of a drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainClose {
    /// A code that may go on the wire (RFC 6455 section 7.4).
    pub code: u16,
    /// At most 123 bytes.
    pub reason: String,
}

/// When the configuration is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// On SIGHUP and through the admin API.
    WhenAsked,
    /// And when its files have become others.
    WhenChanged,
}

/// The listener for metrics, health and control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Port 0 lets the system choose.
    pub address: SocketAddr,
    /// Always present when `address` is not a loopback address.
    pub token: Option<Secret>,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How a line is written.
    pub format: LogFormat,
    /// The least severe level that is written.
    pub level: LogLevel,
    /// How sessions and requests are logged; `None`: they are not.
    pub access: Option<AccessLog>,
}

/// How sessions and requests are logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// How a line is written.
    pub format: LogFormat,
    /// Where lines are added; `None`: standard output.
    pub file: Option<PathBuf>,
    /// How often a session that stays open gets a line.
    pub every: Option<Duration>,
    /// Parameters of the query whose values may be written.
    pub query_values: Vec<String>,
}

choice! {
    /// How a log line is written.
    LogFormat {
        /// One JSON object a line.
        Json = "json",
        /// For people.
        Text = "text",
    }
}

choice! {
    /// How severe a log line is.
    #[derive(PartialOrd, Ord)]
    LogLevel {
        /// Someone must act.
        Error = "error",
        /// Someone must look.
        Warn = "warn",
        /// What an operator follows.
        Info = "info",
        /// What a developer follows.
        Debug = "debug",
        /// Everything, frames included.
        Trace = "trace",
    }
}

/// How many worker threads carry sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Workers {
    /// As many as the process may use processors.
    Auto,
    /// This many.
    Fixed(NonZeroUsize),
}
