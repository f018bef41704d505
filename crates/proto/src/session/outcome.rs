//! How a session ended, and why: what the access log and the metrics say of it.

use crate::Side;
use crate::close::CloseCode;
use crate::violation::Violation;

/// Who began the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// The client.
    Downstream,
    /// The application server.
    Upstream,
    /// Switchyard itself.
    Gateway,
}

impl Initiator {
    /// The initiator as a metric label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Upstream => "upstream",
            Self::Gateway => "gateway",
        }
    }
}

impl From<Side> for Initiator {
    fn from(side: Side) -> Self {
        match side {
            Side::Downstream => Self::Downstream,
            Side::Upstream => Self::Upstream,
        }
    }
}

/// Why a session ended: what happened first. What follows from it is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A peer sent a Close.
    CloseFrame,
    /// A peer ended its stream without a Close.
    Eof,
    /// Reading from or writing to a peer failed.
    Reset,
    /// A peer broke a rule.
    Violation(Violation),
    /// No data frame in either direction, and no published message, for the route's `idle_timeout`.
    IdleTimeout,
    /// A side gave no sign of life after a Ping of the gateway.
    PingTimeout(Side),
    /// The session has lived as long as its route lets it.
    MaxLifetime,
    /// The gateway drains and asked the peers to go.
    Drain,
    /// The drain took too long, and the session was cut.
    DrainDeadline,
    /// The gateway was told to stop at once.
    Shutdown,
    /// An operator closed the session.
    Admin,
    /// The endpoint leaves, and the gateway asked the peers to go.
    EndpointLeft,
    /// Another endpoint is to have the session, and the gateway asked the peers to go.
    Rebalanced,
    /// The configuration has no place for the session any more, and the gateway asked the peers to go.
    Reload,
    /// More messages waited to be published to the client than may, and the gateway asked the peers to go.
    SlowReceiver,
    /// The gateway failed at the session by a fault of its own, and dropped it.
    Internal,
}

impl Cause {
    /// Every one, each once for whatever it holds.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = [
            Self::CloseFrame,
            Self::Eof,
            Self::Reset,
            Self::IdleTimeout,
            Self::PingTimeout(Side::Downstream),
            Self::MaxLifetime,
            Self::Drain,
            Self::DrainDeadline,
            Self::Shutdown,
            Self::Admin,
            Self::EndpointLeft,
            Self::Rebalanced,
            Self::Reload,
            Self::SlowReceiver,
            Self::Internal,
        ];
        own.into_iter().chain(Violation::all().map(Self::Violation))
    }

    /// The cause as a metric label.
    pub fn reason(self) -> &'static str {
        match self {
            Self::CloseFrame => "close_frame",
            Self::Eof => "eof",
            Self::Reset => "reset",
            Self::Violation(violation) => violation.reason(),
            Self::IdleTimeout => "idle_timeout",
            Self::PingTimeout(_) => "ping_timeout",
            Self::MaxLifetime => "max_lifetime",
            Self::Drain => "drain",
            Self::DrainDeadline => "drain_deadline",
            Self::Shutdown => "shutdown",
            Self::Admin => "admin",
            Self::EndpointLeft => "endpoint_left",
            Self::Rebalanced => "rebalanced",
            Self::Reload => "reload",
            Self::SlowReceiver => "slow_receiver",
            Self::Internal => "internal_error",
        }
    }
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who began it.
    pub initiator: Initiator,
    /// The code of the first Close, the peer's or ours; [`CloseCode::NO_STATUS`] if it had none,
    /// [`CloseCode::ABNORMAL`] if there was no Close to begin with (RFC 6455 section 7.1.5).
    pub code: CloseCode,
    /// What happened first.
    pub cause: Cause,
    /// Whether a Close was seen from both peers.
    pub clean: bool,
}

impl Outcome {
    /// A session that ended all at once, with no Close from anybody.
    pub fn abrupt(initiator: Initiator, cause: Cause) -> Self {
        Self {
            initiator,
            code: CloseCode::ABNORMAL,
            cause,
            clean: false,
        }
    }
}
