//! What is kept of a session whose route wants its peers pinged or its life limited: 112 bytes,
//! and nothing for the others.

mod frozen;

use std::time::{Duration, Instant};

use super::policy::{Pings, Policy};
use super::pulse::{Pulse, Verdict};
use crate::Side;
use crate::frame::PingPayload;
pub(super) use frozen::FrozenVigil;

/// What to look for in the input from a side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// What is in the Pong that goes no further.
    pub(super) awaited: Option<PingPayload>,
    /// The other side is to be pinged, at the next frame boundary.
    pub(super) is_due: bool,
}

impl Watch {
    pub(super) const NONE: Self = Self {
        awaited: None,
        is_due: false,
    };
}

/// Both peers' pulses, and when the session's time is up.
#[derive(Debug)]
pub(super) struct Vigil {
    expires: Option<Instant>,
    downstream: Pulse,
    upstream: Pulse,
}

impl Vigil {
    /// `None` where the policy asks for none.
    pub(super) fn new(
        policy: &Policy,
        mut random: impl FnMut() -> u64,
        now: Instant,
    ) -> Option<Box<Self>> {
        let lifetime = policy.max_lifetime.as_ref();
        let expires = lifetime.and_then(|lifetime| lifetime.end(now, random()));
        Self::until(policy, expires, random, now)
    }

    /// The same of a session whose time is up then.
    pub(super) fn until(
        policy: &Policy,
        expires: Option<Instant>,
        mut random: impl FnMut() -> u64,
        now: Instant,
    ) -> Option<Box<Self>> {
        if policy.pings.is_none() && policy.max_lifetime.is_none() {
            return None;
        }
        Some(Box::new(Self {
            expires,
            downstream: Pulse::new(random(), now),
            upstream: Pulse::new(random(), now),
        }))
    }

    pub(super) fn of(&self, side: Side) -> &Pulse {
        match side {
            Side::Downstream => &self.downstream,
            Side::Upstream => &self.upstream,
        }
    }

    #[inline]
    pub(super) fn of_mut(&mut self, side: Side) -> &mut Pulse {
        match side {
            Side::Downstream => &mut self.downstream,
            Side::Upstream => &mut self.upstream,
        }
    }

    /// Something was read from a side: a sign of life. What to look for in it.
    pub(super) fn heard(&mut self, from: Side, now: Instant) -> Watch {
        let pulse = self.of_mut(from);
        pulse.heard(now);
        Watch {
            awaited: pulse.awaited(),
            is_due: self.is_due(from.other()),
        }
    }

    /// Nothing is in the way to a side any more: the time of both runs anew.
    pub(super) fn flushed(&mut self, to: Side, now: Instant) {
        if std::mem::take(&mut self.of_mut(to).is_blocked) {
            self.downstream.heard(now);
            self.upstream.heard(now);
        }
    }

    /// Whether no side's time runs. What cannot be written to a side is in the way of a Ping to
    /// it, and also of the other side's Pong: that side is not read meanwhile.
    #[inline]
    fn is_stalled(&self) -> bool {
        self.downstream.is_blocked || self.upstream.is_blocked
    }

    /// Whether a side is to be pinged at the next frame boundary.
    #[inline]
    pub(super) fn is_due(&self, to: Side) -> bool {
        self.of(to).is_due() && !self.is_stalled()
    }

    /// The payload of the Ping that goes to a side now: as it goes as soon as it can, that is the
    /// last time that anything happened.
    pub(super) fn send(&mut self, to: Side) -> PingPayload {
        let now = self.downstream.since().max(self.upstream.since());
        self.of_mut(to).send(now)
    }

    /// That Pong came; how long it took.
    pub(super) fn answered(&mut self, from: Side, now: Instant) -> Duration {
        self.of_mut(from).answered(now)
    }

    /// Whether the session has lived long enough.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Which side has given no sign of life in time, if one has not.
    pub(super) fn look(&mut self, pings: &Pings, now: Instant) -> Option<Side> {
        if self.is_stalled() {
            return None;
        }
        let is_dead = |side: &Side| self.of_mut(*side).look(pings, now) == Verdict::Dead;
        Side::BOTH.into_iter().find(is_dead)
    }

    /// No side is pinged any more.
    pub(super) fn end(&mut self) {
        self.downstream.spare();
        self.upstream.spare();
    }

    /// The session's time is up then.
    pub(super) fn expires_at(&mut self, expires: Option<Instant>) {
        self.expires = expires;
    }

    /// When the session's time is up.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.expires
    }

    /// When to look at the pulses again.
    pub(super) fn next(&self, pings: &Pings) -> Option<Instant> {
        if self.is_stalled() {
            return None;
        }
        let next = [self.downstream.next(pings), self.upstream.next(pings)];
        next.into_iter().flatten().min()
    }
}
