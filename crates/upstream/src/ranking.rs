//! The order in which a cluster's endpoints are tried for one request.
//!
//! The order comes from the key or from the balancer; who may not be given a session now is passed
//! over when it is their turn, so that what changes meanwhile is heeded.
//!
//! Not here: how the order comes about (`balance`), and how far down it anyone goes (`attempts`).

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use switchyard_balance::bounded::Bound;
use switchyard_config::NoneHealthy;

use crate::allowance::Allowance;
use crate::endpoint::Endpoint;
use crate::roster::Roster;

/// Indices of a cluster's endpoints, best first, each once; worked out as far as it is asked for.
pub(crate) type Order = Box<dyn Iterator<Item = usize> + Send>;

/// Which of the ranking an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first: the owner of the affinity value, where there is one.
    Owner,
    /// One further down, because those before it are full, have their share, or no port is left to dial
    /// them from.
    Overflow,
    /// One further down, because one before it could not be reached or is left out.
    Failover,
}

/// Whose turn it is.
#[derive(Debug)]
pub struct Candidate {
    /// Who.
    pub endpoint: Arc<Endpoint>,
    /// Which of the ranking that is.
    pub place: Place,
}

/// Whom a cluster lets be given sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Leases that one endpoint may have.
    pub(crate) max_sessions: Option<u32>,
    /// How far above its share one may be.
    pub(crate) bound: Option<Bound>,
    /// What happens while all are left out.
    pub(crate) none_healthy: NoneHealthy,
}

/// Why a ranking had nobody to try; of several the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nobody {
    /// The cluster is empty.
    Exists,
    /// All are left out.
    IsHealthy,
    /// There is no port left to dial them from, or they are left out.
    HasPort,
    /// All are full, or one of the above.
    HasRoom,
}

/// The endpoints of a cluster that may be given a session, best first, each once.
pub struct Ranking {
    roster: Arc<Roster>,
    order: Order,
    preferred: Preferred,
    max_sessions: Option<u32>,
    is_for_sessions: bool,
    /// Boxed: few clusters have one, and every handshake has a ranking.
    allowance: Option<Box<Allowance>>,
    /// Whether who is left out is passed over.
    heeds_health: bool,
    /// Of the next.
    place: Place,
    /// Why some were passed over.
    nobody: Nobody,
}

/// The endpoint that goes before the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preferred {
    None,
    Due(usize),
    Done(usize),
}

/// How somebody's turn came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// By the order.
    InOrder,
    /// Before it because a cookie named them, or after it because there is nobody else: their share does
    /// not matter.
    OutOfOrder,
}

impl Ranking {
    /// A `preferred` endpoint that is not in `roster` is ignored: it has left the cluster.
    pub(crate) fn new(
        roster: Arc<Roster>,
        order: Order,
        preferred: Option<&Arc<Endpoint>>,
        rules: Rules,
    ) -> Self {
        let position = preferred.and_then(|preferred| roster.position(preferred));
        let now = Instant::now();
        let heeds_health = rules.none_healthy == NoneHealthy::Refuse
            || roster.endpoints.iter().any(|it| it.takes_sessions(now));
        Self {
            allowance: rules
                .bound
                .map(|it| Box::new(Allowance::new(it, heeds_health))),
            heeds_health,
            roster,
            order,
            preferred: position.map_or(Preferred::None, Preferred::Due),
            max_sessions: rules.max_sessions,
            is_for_sessions: true,
            place: Place::Owner,
            nobody: Nobody::Exists,
        }
    }

    /// The same for what is no session: an endpoint that may not have another one still answers plain
    /// requests, among them those of the sessions that it has.
    pub(crate) fn of_requests(mut self) -> Self {
        self.is_for_sessions = false;
        self.allowance = None;
        self
    }

    /// Why nobody came.
    pub(crate) fn nobody(&self) -> Nobody {
        self.nobody
    }

    /// The next of the order, or the preferred one before it.
    fn next_index(&mut self) -> Option<usize> {
        match self.preferred {
            Preferred::None => self.order.next(),
            Preferred::Due(index) => {
                self.preferred = Preferred::Done(index);
                Some(index)
            }
            Preferred::Done(done) => self.order.find(|index| *index != done),
        }
    }

    /// Whose turn it is, with how strictly to judge them.
    fn next_turn(&mut self) -> Option<(usize, Turn)> {
        let is_preferred = matches!(self.preferred, Preferred::Due(_));
        if let Some(index) = self.next_index() {
            let turn = if is_preferred {
                Turn::OutOfOrder
            } else {
                Turn::InOrder
            };
            return Some((index, turn));
        }
        let index = self.allowance.as_mut()?.next_put_off()?;
        Some((index, Turn::OutOfOrder))
    }

    /// Why `endpoint`, whose turn it is, has to be passed over, if it has to.
    fn objection(&mut self, index: usize, endpoint: &Endpoint, turn: Turn) -> Option<Nobody> {
        let now = Instant::now();
        if !endpoint.wants_sessions() || self.heeds_health && endpoint.is_left_out(now) {
            return Some(Nobody::IsHealthy);
        }
        if self.is_for_sessions && endpoint.is_full(self.max_sessions) {
            return Some(Nobody::HasRoom);
        }
        if self.is_for_sessions && !endpoint.has_port() {
            return Some(Nobody::HasPort);
        }
        let allowance = self.allowance.as_mut().filter(|_| turn == Turn::InOrder);
        let is_put_off = allowance.is_some_and(|it| it.puts_off(&self.roster, index, now));
        is_put_off.then_some(Nobody::HasRoom)
    }

    /// Somebody was passed over for this reason.
    fn pass_over(&mut self, reason: Nobody) {
        self.nobody = self.nobody.max(reason);
        if reason == Nobody::IsHealthy {
            self.place = Place::Failover;
        } else if self.place == Place::Owner {
            self.place = Place::Overflow;
        }
    }
}

impl Iterator for Ranking {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        loop {
            let (index, turn) = self.next_turn()?;
            let endpoint = self.roster.endpoints.get(index).cloned()?;
            if let Some(reason) = self.objection(index, &endpoint, turn) {
                self.pass_over(reason);
                continue;
            }
            let place = std::mem::replace(&mut self.place, Place::Failover);
            return Some(Candidate { endpoint, place });
        }
    }
}

impl fmt::Debug for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranking")
            .field("preferred", &self.preferred)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
