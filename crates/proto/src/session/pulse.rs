//! Whether a peer is still there: the gateway's own Pings to it, and what tells that it lives.
//!
//! Anything that is read from a peer is a sign of life, not the Pong alone: a peer that has a large
//! message under way cannot answer before its end. The Pong is what tells the round trip, and it
//! goes no further than here.
//!
//! Not here: where there is room for a Ping (`time`), and what a Pong is on the wire (`scanner`).

mod frozen;

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::policy::Pings;
use crate::frame::PingPayload;
pub(super) use frozen::FrozenPulse;

/// What is known of one peer's life.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Since when its time runs: when something was last read from it, it was pinged, or nothing was
    /// in the way of either any more.
    since: Instant,
    ping: Ping,
    /// The payload of the Ping that is under way, or of the next. It begins at random, so that
    /// nobody knows it but the peer that was sent one, and is another for each Ping.
    word: u64,
    /// The last round trip in microseconds, from one up.
    rtt: Option<NonZeroU32>,
    /// Something for the peer could not be written.
    pub(super) is_blocked: bool,
}

/// The gateway's own Ping. There is at most one at a time: a peer may answer only the latest of
/// several (RFC 6455 section 5.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    None,
    /// It is to be sent at the next frame boundary.
    Due,
    /// It was sent then, and is not answered.
    Sent(Instant),
}

/// What the time says of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Alive,
    Dead,
}

impl Pulse {
    pub(super) fn new(word: u64, now: Instant) -> Self {
        Self {
            since: now,
            ping: Ping::None,
            word,
            rtt: None,
            is_blocked: false,
        }
    }

    /// Something was read from the peer: it needs no Ping now.
    #[inline]
    pub(super) fn heard(&mut self, now: Instant) {
        self.since = now;
        self.spare();
    }

    /// A Ping that was not sent yet is not sent.
    pub(super) fn spare(&mut self) {
        if self.ping == Ping::Due {
            self.ping = Ping::None;
        }
    }

    pub(super) fn is_due(&self) -> bool {
        self.ping == Ping::Due
    }

    /// The Ping that is due goes out at `now`; what is in it.
    pub(super) fn send(&mut self, now: Instant) -> PingPayload {
        self.since = now;
        self.ping = Ping::Sent(now);
        self.payload()
    }

    /// What the Pong has in it that is waited for.
    #[inline]
    pub(super) fn awaited(&self) -> Option<PingPayload> {
        matches!(self.ping, Ping::Sent(_)).then(|| self.payload())
    }

    /// That Pong came; how long it took.
    pub(super) fn answered(&mut self, now: Instant) -> Duration {
        let Ping::Sent(at) = self.ping else {
            return Duration::ZERO;
        };
        let rtt = now.saturating_duration_since(at);
        let micros = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        self.rtt = NonZeroU32::new(micros.max(1));
        self.ping = Ping::None;
        self.word = self.word.wrapping_add(1);
        rtt
    }

    pub(super) fn rtt(&self) -> Option<Duration> {
        let micros = u64::from(self.rtt?.get());
        Some(Duration::from_micros(micros))
    }

    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// When to look again; `None` for not before something else happens.
    pub(super) fn next(&self, pings: &Pings) -> Option<Instant> {
        match self.ping {
            Ping::None => self.since.checked_add(pings.interval),
            Ping::Due => None,
            Ping::Sent(_) => self.since.checked_add(pings.timeout),
        }
    }

    /// Looks at the time.
    pub(super) fn look(&mut self, pings: &Pings, now: Instant) -> Verdict {
        if self.next(pings).is_none_or(|next| now < next) {
            return Verdict::Alive;
        }
        if matches!(self.ping, Ping::Sent(_)) {
            return Verdict::Dead;
        }
        self.ping = Ping::Due;
        self.since = now;
        Verdict::Alive
    }

    fn payload(&self) -> PingPayload {
        self.word.to_be_bytes()
    }
}
