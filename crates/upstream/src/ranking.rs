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
    /// One further down, because those before it are full or have their share.
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

impl Rules {
    /// Whether `endpoint` has as many sessions as it may.
    pub(crate) fn is_full(self, endpoint: &Endpoint) -> bool {
        self.max_sessions
            .is_some_and(|most| endpoint.load() >= most)
    }
}

/// Why a ranking had nobody to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nobody {
    /// The cluster is empty.
    Exists,
    /// All are full, or left out.
    HasRoom,
    /// All are left out.
    IsHealthy,
}

/// The endpoints of a cluster that may be given a session, best first, each once.
pub struct Ranking {
    roster: Arc<Roster>,
    order: Order,
    preferred: Preferred,
    rules: Rules,
    /// Boxed: few clusters have one, and every handshake has a ranking.
    allowance: Option<Box<Allowance>>,
    /// Whether who is left out is passed over.
    heeds_health: bool,
    passed: Passed,
}

/// The endpoint that goes before the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preferred {
    None,
    Due(usize),
    Done(usize),
}

/// Who was passed over or tried so far.
#[derive(Debug, Clone, Copy, Default)]
struct Passed {
    tried: bool,
    full: bool,
    left_out: bool,
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
            rules,
            passed: Passed::default(),
        }
    }

    /// The same for what is no session: an endpoint that may not have another one still answers plain
    /// requests, among them those of the sessions that it has.
    pub(crate) fn of_requests(mut self) -> Self {
        self.rules.max_sessions = None;
        self.allowance = None;
        self
    }

    /// Why nobody came.
    pub(crate) fn nobody(&self) -> Nobody {
        if self.passed.full {
            Nobody::HasRoom
        } else if self.passed.left_out {
            Nobody::IsHealthy
        } else {
            Nobody::Exists
        }
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

    /// Whether `endpoint`, whose turn it is, has to be passed over.
    fn passes_over(&mut self, index: usize, endpoint: &Endpoint, turn: Turn) -> bool {
        let now = Instant::now();
        if !endpoint.wants_sessions() || self.heeds_health && endpoint.is_left_out(now) {
            self.passed.left_out = true;
            return true;
        }
        let allowance = self.allowance.as_mut().filter(|_| turn == Turn::InOrder);
        let is_full = self.rules.is_full(endpoint)
            || allowance.is_some_and(|it| it.puts_off(&self.roster, index, now));
        self.passed.full |= is_full;
        is_full
    }

    fn place(&self) -> Place {
        if self.passed.tried || self.passed.left_out {
            Place::Failover
        } else if self.passed.full {
            Place::Overflow
        } else {
            Place::Owner
        }
    }
}

impl Iterator for Ranking {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        loop {
            let (index, turn) = self.next_turn()?;
            let endpoint = self.roster.endpoints.get(index).cloned()?;
            if self.passes_over(index, &endpoint, turn) {
                continue;
            }
            let place = self.place();
            self.passed.tried = true;
            return Some(Candidate { endpoint, place });
        }
    }
}

impl fmt::Debug for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranking")
            .field("preferred", &self.preferred)
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
