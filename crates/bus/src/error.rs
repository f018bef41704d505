//! What can be wrong with the settings of a bus, and why a message was not taken.

use std::path::PathBuf;

/// Settings that no server could make good. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// A file is not what it should be.
    #[error("`{file}` cannot be used for the bus: {fault}", file = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and what to do.
        fault: String,
    },
    /// The secret that the gateway is to show.
    #[error("the bus cannot be told who the gateway is: {fault}")]
    Identity {
        /// What is wrong with it, and what to do.
        fault: String,
    },
    /// Certificates and keys that are each what they should be, and not together.
    #[error("TLS to the bus could not be set up: {fault}")]
    Tls {
        /// What is wrong, and what to do.
        fault: String,
    },
}

/// Why a message was not published, or what was missed is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The bus is not there: nothing was published.
    #[error("the bus is not there")]
    Unreachable,
    /// The bus went away before it answered: whether it was published is not known.
    #[error("the bus went away before it answered")]
    Lost,
    /// There was no answer in time: whether it was published is not known.
    #[error("the bus did not answer in time")]
    TimedOut,
    /// The server understood, and would not.
    #[error("the bus refused: {0}")]
    Refused(String),
}
