//! What a route asks of its sessions.

use std::time::{Duration, Instant};

use crate::Side;
use crate::close::Close;
use crate::handshake::Deflate;
use crate::scanner::Rules;

/// Limits and timers, shared by all sessions of a route. `None` switches one off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The longest data frame that is passed on, in payload bytes.
    pub max_frame: Option<u64>,
    /// The longest message that is passed on, in payload bytes on the wire.
    pub max_message: Option<u64>,
    /// How long a session may be without a data frame in either direction. Pings do not count.
    pub idle_timeout: Option<Duration>,
    /// The gateway's own Pings to both sides.
    pub pings: Option<Pings>,
    /// How long a session may live, whatever it does.
    pub max_lifetime: Option<Lifetime>,
    /// How long each phase of closing may take: until both peers have been told and have
    /// answered, and then until both have ended their streams.
    pub close_timeout: Duration,
}

/// When a side is pinged, each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pings {
    /// When nothing was read from it for this long.
    pub interval: Duration,
    /// It is dead when nothing more was read from it for this long after the Ping.
    pub timeout: Duration,
}

/// The longest life of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// No session lives longer.
    pub after: Duration,
    /// It lives up to this much shorter, at random: sessions that began together do not end together.
    pub jitter: Duration,
    /// What both sides are told then.
    pub close: Close,
}

impl Lifetime {
    /// The end of a life that begins at `now`; `None` for beyond all time.
    pub(super) fn end(&self, now: Instant, random: u64) -> Option<Instant> {
        let early = self.part_of_jitter(random);
        now.checked_add(self.after.saturating_sub(early))
    }

    /// The end of a life that began when it was not limited so. What is past is put off by a part of the
    /// jitter.
    pub(super) fn end_of(&self, opened: Instant, now: Instant, random: u64) -> Option<Instant> {
        let end = self.end(opened, random)?;
        if end > now {
            return Some(end);
        }
        now.checked_add(self.part_of_jitter(random))
    }

    fn part_of_jitter(&self, random: u64) -> Duration {
        let [high, low, ..] = random.to_be_bytes();
        let part = u32::from(u16::from_be_bytes([high, low]));
        self.jitter / (1 << 16) * part
    }
}

impl Policy {
    pub(super) fn rules(&self, from: Side, deflate: Deflate) -> Rules {
        Rules {
            from,
            deflate,
            awaited: None,
            max_frame: self.max_frame.unwrap_or(u64::MAX),
            max_message: self.max_message.unwrap_or(u64::MAX),
        }
    }

    /// When a session is idle that was last active at `active`; `None` for never.
    pub(super) fn idle_at(&self, active: Instant) -> Option<Instant> {
        active.checked_add(self.idle_timeout?)
    }

    /// When a phase of closing that begins at `now` is over; `None` for beyond all time.
    pub(super) fn close_by(&self, now: Instant) -> Option<Instant> {
        now.checked_add(self.close_timeout)
    }
}
