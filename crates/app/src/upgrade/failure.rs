//! Why an upgrade did not come to its end. The old process goes on with everything that it has.

use std::io;
use std::path::PathBuf;

use switchyard_handoff::Error;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The process is the first of its container, which would end with it.
    #[error(
        "this is process 1: whatever it leaves behind would end with it; start it by an init process"
    )]
    FirstProcess,
    /// The new process could not be started.
    #[error("{} could not be started: {source}", program.display())]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are no descriptors to begin with.
    #[error("a socket could not be duplicated: {0}")]
    Descriptors(#[source] io::Error),
    /// It ended, or gave up, before it was ready: it has said why.
    #[error(
        "the new process did not get ready, and has said why in its log or on standard error: {0}"
    )]
    NotReady(#[source] Error),
    /// The two do not go on with one another.
    #[error(transparent)]
    Broken(#[from] Error),
    /// The gateway was asked to stop meanwhile.
    #[error("the gateway was asked to stop meanwhile")]
    Stopped,
}

impl Failure {
    /// Why, as one of a closed list.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::FirstProcess => "first_process",
            Self::Start { .. } => "start",
            Self::Descriptors(_) => "descriptors",
            Self::NotReady(Error::Version { .. }) => "version",
            Self::NotReady(_) => "not_ready",
            Self::Broken(error) => error.reason(),
            Self::Stopped => "stopped",
        }
    }
}
