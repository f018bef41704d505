//! What time does to a session that nothing else has ended: Pings, a peer that is gone without a
//! word, a session that is idle or has lived long enough.
//!
//! Not here: the deadlines of an end that has begun (`ending`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ending::explained;
use super::{Cause, Initiator, Output, Session, WaitReason};
use crate::Side;
use crate::close::CloseCode;
use crate::frame::{ControlFrame, Owned};
use crate::scanner::StopAt;

impl Session {
    /// Looks at the time while the session is open.
    pub(super) fn look(&mut self, now: Instant) {
        let idle = self.policy.idle_at(self.active);
        if idle.is_some_and(|idle| idle <= now) {
            let cause = Cause::IdleTimeout;
            let close = explained(CloseCode::GOING_AWAY, cause.reason());
            return self.handle_close(cause, &close, now);
        }
        let Some(vigil) = &mut self.vigil else {
            return;
        };
        if vigil.is_over(now) {
            return self.retire(now);
        }
        let pings = self.policy.pings.as_ref();
        if let Some(dead) = pings.and_then(|pings| vigil.look(pings, now)) {
            self.give_up(dead, now);
        }
    }

    /// Asks both peers to go, each at the next message boundary.
    fn retire(&mut self, now: Instant) {
        let policy = Arc::clone(&self.policy);
        if let Some(lifetime) = &policy.max_lifetime {
            let (code, cause) = (lifetime.close.status(), Cause::MaxLifetime);
            self.begin(Initiator::Gateway, code, cause, now);
            self.owe_both(&lifetime.close, StopAt::Message);
        }
    }

    /// Between the beginning and the end, where Pings are due or time is limited.
    #[inline(never)]
    pub(super) fn poll_watched(&mut self) -> Output {
        self.poll_ping()
            .or_else(|| {
                Some(Output::Publish {
                    to: self.take_publish()?,
                })
            })
            .unwrap_or_else(|| self.wait_watched())
    }

    /// The Ping that is due to a side where there is room for it.
    fn poll_ping(&mut self) -> Option<Output> {
        let vigil = self.vigil.as_mut()?;
        let has_room = |side: Side| self.peers.of(side.other()).scanner.at_frame_boundary();
        let mut sides = Side::BOTH.into_iter();
        let to = sides.find(|side| vigil.is_due(*side) && has_room(*side))?;
        let payload = vigil.send(to);
        let mask = self.mask(to);
        let bytes = Owned::copy(&ControlFrame::ping(payload, mask));
        Some(Output::Send { to, bytes })
    }

    fn wait_watched(&self) -> Output {
        let vigil = self.vigil.as_ref();
        let pulse = vigil.zip(self.policy.pings.as_ref());
        let ends = [
            (self.policy.idle_at(self.active), WaitReason::Idle),
            (
                vigil.and_then(|vigil| vigil.expires()),
                WaitReason::Lifetime,
            ),
            (
                pulse.and_then(|(vigil, pings)| vigil.next(pings)),
                WaitReason::Ping,
            ),
        ];
        let timed = ends.iter().filter(|(until, _)| until.is_some());
        let first = timed.min_by_key(|(until, _)| *until);
        let (until, reason) = first.copied().unwrap_or((None, WaitReason::Input));
        Output::Wait { until, reason }
    }
}

/// When it was that is so long ago; as long ago as the clock can tell, if that is less.
pub(super) fn ago(time: Duration, now: Instant) -> Instant {
    now.checked_sub(time).unwrap_or(now)
}
