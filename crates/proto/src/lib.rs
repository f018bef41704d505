//! RFC 6455, the life of a session and the PROXY protocol, without I/O.
//!
//! Everything here is handed bytes and time and gives back values: no runtime, no socket, no
//! clock, no randomness. What moves the bytes is the relay; what routes a handshake is the edge.
//!
//! - [`handshake`]: the HTTP exchange up to the 101, read and verified in both directions.
//! - [`frame`], [`mask`], [`close`]: the wire format of single frames.
//! - [`scanner`]: one direction of a stream of frames, checked while it flows past.
//! - [`session`]: two directions joined: what is passed on, what the gateway says itself, and
//!   when and why it ends.
//! - [`Answerer`]: the other end of a session that has no endpoint.
//! - [`proxy_protocol`]: what proxies say of a connection before its first byte.
//! - [`record`]: a session as bytes, for the process that goes on with it.

mod answerer;
pub mod close;
pub mod frame;
pub mod handshake;
mod inline;
pub mod mask;
pub mod proxy_protocol;
pub mod record;
pub mod scanner;
pub mod session;
mod violation;

pub use answerer::Answerer;
pub use close::{Close, CloseCode};
pub use inline::Inline;
pub use session::{Outcome, Output, Policy, Session};
pub use violation::Violation;

/// One of the two peers of a session, and with it a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The client: masks its frames (RFC 6455 section 5.1).
    Downstream,
    /// The application server: does not mask its frames.
    Upstream,
}

impl Side {
    /// Both sides, downstream first.
    pub const BOTH: [Self; 2] = [Self::Downstream, Self::Upstream];

    /// The peer of this side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Downstream => Self::Upstream,
            Self::Upstream => Self::Downstream,
        }
    }
}
