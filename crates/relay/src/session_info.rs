//! What a session is called, and what it was when it opened.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arcstr::ArcStr;

use crate::request_id::RequestId;

/// Where session numbers of this process come from.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// How many more sessions a process may open until another has taken over: more than it can.
const ROOM: u64 = 1 << 24;

/// Names a session within this process, from when its handshake goes to an endpoint, and within those that took its sessions over. Never used
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// No session's; less than every other.
    pub const NONE: Self = Self(0);

    /// The one of this number, whether or not there is such a session.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        Self(number)
    }

    /// A new one, greater than all before.
    #[must_use]
    pub fn next() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Names from here on are those from `first` on, unless they are already. For a process that has
    /// sessions of another, which uses none of these.
    pub fn begin_at(first: u64) {
        NEXT.fetch_max(first, Ordering::Relaxed);
    }

    /// A number that a process may [begin at](Self::begin_at) that takes over from this one, while this
    /// one goes on for a while.
    #[must_use]
    pub fn beyond() -> u64 {
        NEXT.load(Ordering::Relaxed).saturating_add(ROOM)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a session is, as it was when it opened. It is kept as long as the session: nothing in here
/// may refer to the request's buffers.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Its name.
    pub id: SessionId,
    /// The listener that its client came in by.
    pub listener: ArcStr,
    /// The route it was admitted under.
    pub route: ArcStr,
    /// The cluster chosen.
    pub cluster: ArcStr,
    /// The endpoint's address.
    pub endpoint: ArcStr,
    /// The client, through trusted proxies.
    pub client: IpAddr,
    /// `X-Request-Id` of the handshake.
    pub request_id: RequestId,
    /// When it opened; see [`now`](crate::now).
    pub opened: Instant,
    /// What would lead its client to the same endpoint again.
    pub tie: Tie,
}

/// What leads a session's client to its endpoint, if it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Nothing.
    Nothing,
    /// An affinity value, of which this is the hash.
    Value(u64),
    /// A cookie of the gateway's own.
    Cookie,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_beyond_those_of_the_process_before() {
        let beyond = SessionId::beyond();
        assert!(SessionId::next().get() < beyond);
        SessionId::begin_at(1);
        assert!(SessionId::next().get() < beyond);
    }

    #[test]
    fn names_are_not_used_twice() {
        let first = SessionId::next();
        assert!(SessionId::next() > first);
        assert_eq!(first.to_string(), first.get().to_string());
    }
}
