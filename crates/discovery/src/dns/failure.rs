//! Why a name could not be looked up.

use std::error::Error;
use std::io;

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::ProtoError;
use hickory_resolver::proto::op::ResponseCode;

/// Why a name could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The name is none that DNS could have.
    #[error("it is not a name")]
    NotAName(#[source] Box<dyn Error + Send + Sync>),
    /// `/etc/resolv.conf` cannot be read, or names no server.
    #[error("cannot tell from /etc/resolv.conf whom to ask")]
    System(#[source] Box<dyn Error + Send + Sync>),
    /// No server answered in time.
    #[error("no name server answered in time")]
    Timeout,
    /// No server could be reached.
    #[error("no name server could be reached")]
    Unreachable(#[source] io::Error),
    /// The server does not answer us, or not for this name (REFUSED).
    #[error("the name server refused")]
    Refused,
    /// The server answered that it failed (SERVFAIL), or another error.
    #[error("the name server answered: {0}")]
    Server(String),
    /// There is no such name (NXDOMAIN).
    #[error("there is no such name")]
    NoName,
    /// The name has no records of the kind that was asked for, or none that can be dialled.
    #[error("the name has no such records")]
    NoRecords,
    /// The answer makes no sense.
    #[error("cannot make sense of the answer")]
    Nonsense(#[source] Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Whether it is the answer that there is nothing, and no trouble.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::NoName | Self::NoRecords)
    }

    /// A stable metric label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotAName(_) => "dns_bad_name",
            Self::System(_) => "dns_system",
            Self::Timeout => "dns_timeout",
            Self::Unreachable(_) => "dns_unreachable",
            Self::Refused => "dns_refused",
            Self::Server(_) => "dns_server_failed",
            Self::NoName => "dns_no_name",
            Self::NoRecords => "dns_no_records",
            Self::Nonsense(_) => "dns_bad_answer",
        }
    }

    pub(super) fn not_a_name(error: ProtoError) -> Self {
        Self::NotAName(error.into())
    }

    pub(super) fn system(error: NetError) -> Self {
        Self::System(error.into())
    }
}

impl From<NetError> for Failure {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the library's enum grows; what has no meaning of its own here is a bad answer"
    )]
    fn from(error: NetError) -> Self {
        match error {
            NetError::Timeout | NetError::Busy => Self::Timeout,
            NetError::Io(error) => {
                Self::Unreachable(io::Error::new(error.kind(), error.to_string()))
            }
            NetError::NoConnections => Self::Unreachable(io::ErrorKind::NotConnected.into()),
            NetError::Dns(error) => error.into(),
            other => Self::Nonsense(other.into()),
        }
    }
}

impl From<DnsError> for Failure {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the library's enum grows; what has no meaning of its own here is a bad answer"
    )]
    fn from(error: DnsError) -> Self {
        match error {
            DnsError::NoRecordsFound(none) if none.response_code == ResponseCode::NXDomain => {
                Self::NoName
            }
            DnsError::NoRecordsFound(_) => Self::NoRecords,
            DnsError::ResponseCode(ResponseCode::Refused) => Self::Refused,
            DnsError::ResponseCode(code) => Self::Server(code.to_str().to_owned()),
            other => Self::Nonsense(other.into()),
        }
    }
}
