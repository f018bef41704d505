//! Bounded load: whether an endpoint has its share of the sessions already.
//!
//! The share is by weight, of all sessions that the cluster has through this gateway, among the
//! endpoints that take sessions now. Sessions of endpoints that leave count: they will come to the
//! others. An endpoint that warms up has a smaller share.

use std::collections::VecDeque;
use std::time::Instant;

use switchyard_balance::bounded::Bound;

use crate::endpoint::Endpoint;
use crate::roster::Roster;
use crate::warmup::WHOLE;

/// What each endpoint may have, for one handshake.
#[derive(Debug)]
pub(crate) struct Allowance {
    bound: Bound,
    /// Whether those that are left out take no sessions.
    heeds_health: bool,
    /// The weights of those that take sessions; found when somebody may be above their share.
    weights: Option<u64>,
    /// Who has their share.
    put_off: VecDeque<usize>,
}

impl Allowance {
    pub(crate) fn new(bound: Bound, heeds_health: bool) -> Self {
        Self {
            bound,
            heeds_health,
            weights: None,
            put_off: VecDeque::new(),
        }
    }

    /// Puts the endpoint at `index` off if it has its share, and says so.
    pub(crate) fn puts_off(&mut self, roster: &Roster, index: usize, now: Instant) -> bool {
        let has_room = self.has_room(roster, index, now);
        if !has_room {
            self.put_off.push_back(index);
        }
        !has_room
    }

    /// The next of those that were put off, for when there is nobody else.
    pub(crate) fn next_put_off(&mut self) -> Option<usize> {
        self.put_off.pop_front()
    }

    fn has_room(&mut self, roster: &Roster, index: usize, now: Instant) -> bool {
        let Some(endpoint) = roster.endpoints.get(index) else {
            return false;
        };
        let weight = roster.warm_weight(index, now);
        let (load, sessions) = (endpoint.load(), endpoint.load_of_all());
        let has_room =
            |weights| u64::from(load) < self.bound.capacity(weight.get(), weights, sessions.into());
        // Its share is at least the one among all endpoints: mostly that is enough to know.
        let all = roster.weight.saturating_mul(WHOLE.get().into());
        has_room(all) || {
            let takes =
                |it: &Endpoint| it.wants_sessions() && !(self.heeds_health && it.is_left_out(now));
            let among = self
                .weights
                .get_or_insert_with(|| roster.warm_weights(now, takes));
            has_room(*among)
        }
    }
}
