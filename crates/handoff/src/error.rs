//! Why a conversation between two processes does not go on.

use std::io;

use rustix::io::Errno;
use switchyard_proto::record::Malformed;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other process has ended, or does not know of the conversation.
    #[error("the other process ended without a word")]
    Ended,
    /// It gave up.
    #[error("the other process gave up: {0}")]
    GaveUp(String),
    /// It did not answer in time.
    #[error("the other process did not answer in time")]
    Late,
    /// There is no version of the conversation that both understand.
    #[error(
        "no format in common: this process understands {ours}, and the other ({build}) {theirs}"
    )]
    Version {
        /// From which to which version this process understands.
        ours: String,
        /// The same of the other.
        theirs: String,
        /// What the other was built from.
        build: String,
    },
    /// What came makes no sense at this point.
    #[error("the other process said what makes no sense here")]
    Nonsense,
    /// A message is longer than any may be.
    #[error("a message is too long")]
    TooLong,
    /// More descriptors are under way than the system lets one user have (`RLIMIT_NOFILE`).
    #[error("too many descriptors are under way between processes")]
    InFlight,
    /// The other process has no descriptors left for them.
    #[error("the other process has no descriptors left (`RLIMIT_NOFILE`)")]
    NoRoom,
    /// The system said no.
    #[error("the other process cannot be spoken to: {0}")]
    Io(#[source] io::Error),
}

impl Error {
    /// Why, as one of a closed list.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::GaveUp(_) => "gave_up",
            Self::Late => "timeout",
            Self::Version { .. } => "version",
            Self::Nonsense | Self::TooLong => "protocol",
            Self::InFlight => "in_flight",
            Self::NoRoom => "no_room",
            Self::Io(_) => "system",
        }
    }
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Self::Nonsense
    }
}

impl From<Errno> for Error {
    fn from(error: Errno) -> Self {
        match error {
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Self::Ended,
            Errno::TOOMANYREFS => Self::InFlight,
            other => Self::Io(other.into()),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(error) => Self::from(error),
            None => Self::Io(error),
        }
    }
}
