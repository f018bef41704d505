//! Other limits for a session that is under way: its route is another now.

use std::sync::Arc;
use std::time::Instant;

use super::policy::Policy;
use super::vigil::Vigil;
use super::{Life, Session};

impl Session {
    /// Goes by `policy` from now on: a message that is under way with its next frame, a longest life
    /// from when the session `opened` on. If that is over already, it ends at random within the jitter
    /// that is to come, so that old sessions do not all end at once. Does nothing once the end has begun.
    ///
    /// `random` is as for [`Session::new`]. What cannot be written at the time is to be told again with
    /// [`handle_blocked`](Self::handle_blocked).
    pub fn handle_policy(
        &mut self,
        policy: Arc<Policy>,
        opened: Instant,
        mut random: impl FnMut() -> u64,
        now: Instant,
    ) {
        if !matches!(self.life, Life::Open) {
            return;
        }
        let lifetime = policy.max_lifetime.as_ref();
        let expires = lifetime.and_then(|lifetime| lifetime.end_of(opened, now, random()));
        match &mut self.vigil {
            Some(vigil) => vigil.expires_at(expires),
            None => self.vigil = Vigil::until(&policy, expires, random, now),
        }
        if policy.pings.is_none()
            && let Some(vigil) = &mut self.vigil
        {
            // A Pong that is under way is still waited for, and goes no further.
            vigil.end();
        }
        self.policy = policy;
    }
}
