//! What can go wrong while metrics or the log are set up or read. Nothing in here fails later.

use std::path::PathBuf;

/// Why telemetry could not be set up or rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A metric was registered twice, or its name, help or labels are not valid for Prometheus.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// This process has a log already; it is set up once, at start.
    #[error("log: {0}")]
    Log(#[from] tracing::subscriber::SetGlobalDefaultError),
    /// The file of the access log cannot be opened.
    #[error("access log: `{path}` cannot be opened: {source}", path = path.display())]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system gives no thread to write the log with.
    #[error("log: no thread to write it: {0}")]
    Writer(#[from] std::io::Error),
}

impl Error {
    /// A stable name for the kind of failure, fit for a metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Metrics(_) => "metrics",
            Self::Log(_) | Self::Writer(_) => "log",
            Self::AccessLog { .. } => "access_log",
        }
    }
}
