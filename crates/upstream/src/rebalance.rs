//! Which sessions would be better off elsewhere, now that endpoints have come.
//!
//! Affinity and balancers decide when a session opens. One that lives for hours stays where it was put
//! then, however many endpoints have come since.
//!
//! Not here: asking them to come again, and how many at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use arcstr::ArcStr;
use switchyard_balance::Affinity;
use switchyard_balance::bounded::Bound;

use crate::cluster::Cluster;
use crate::endpoint::Endpoint;
use crate::roster::Roster;

/// Where a session is, and what would decide if it came again.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The name of its endpoint.
    pub endpoint: ArcStr,
    /// The hash of its affinity value; without one the balancer decides.
    pub affinity: Option<u64>,
    /// Whether it has been told to go already, and has not gone yet.
    pub is_going: bool,
}

/// Why a session would be better off elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Another endpoint owns its affinity value, and has room.
    Misplaced,
    /// Its endpoint has too many, and it would not come back there.
    Above,
}

/// What a survey found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// For each of the seats, in their order.
    pub reasons: Vec<Option<Reason>>,
    /// Each endpoint that takes sessions.
    pub endpoints: Vec<Level>,
}

/// How level an endpoint is.
#[derive(Debug, PartialEq, Eq)]
pub struct Level {
    /// Its name.
    pub endpoint: ArcStr,
    /// Sessions that it has, handshakes under way included.
    pub sessions: u32,
    /// Sessions that are not too many.
    pub most: u64,
    /// Of the seats, how many are misplaced.
    pub misplaced: usize,
    /// Of the seats, how many are above the most and would go elsewhere.
    pub above: usize,
}

impl Cluster {
    /// Looks which of `seats` would be better off elsewhere. An endpoint has too many sessions with more
    /// than `above` hundredths of its share.
    ///
    /// Sessions of endpoints that take no new ones are none of them: they have their own reasons to go or
    /// to stay.
    #[must_use]
    pub fn survey(&self, seats: &[Seat], above: u32) -> Survey {
        let roster = self.roster();
        let mut surveyor = Surveyor::new(self, &roster, Bound::from_hundredths(above));
        let going = seats.iter().filter(|seat| seat.is_going);
        going.for_each(|seat| surveyor.count_out(seat));
        let reasons = match surveyor.stands.len() {
            0 | 1 => vec![None; seats.len()],
            _ => seats.iter().map(|seat| surveyor.judge(seat)).collect(),
        };
        Survey {
            reasons,
            endpoints: surveyor
                .stands
                .into_values()
                .map(|stand| stand.level)
                .collect(),
        }
    }
}

struct Surveyor<'a> {
    cluster: &'a Cluster,
    roster: &'a Arc<Roster>,
    /// By name, the place in the roster.
    indices: HashMap<&'a str, usize>,
    /// By place in the roster, of those that take sessions.
    stands: BTreeMap<usize, Stand>,
}

/// An endpoint that takes sessions.
struct Stand {
    level: Level,
    /// Sessions from which on affinity values lead past it.
    limit: u64,
    /// Sessions that are to come to it.
    coming: u64,
    /// Sessions that were told to go before.
    going: u64,
}

impl Stand {
    /// Whether another session that it owns would find room.
    fn has_room(&self) -> bool {
        u64::from(self.level.sessions) + self.coming < self.limit
    }

    /// Sessions that it will have when those that are asked have gone.
    fn staying(&self) -> u64 {
        let asked = (self.level.misplaced + self.level.above) as u64;
        u64::from(self.level.sessions).saturating_sub(self.going + asked)
    }
}

impl<'a> Surveyor<'a> {
    fn new(cluster: &'a Cluster, roster: &'a Arc<Roster>, above: Bound) -> Self {
        let now = Instant::now();
        let takes = |endpoint: &Endpoint| endpoint.takes_sessions(now);
        let weights = roster.warm_weights(now, takes);
        let rules = cluster.rules();
        let all = || roster.endpoints.iter().enumerate();
        let stand = |(index, endpoint): (usize, &Arc<Endpoint>)| {
            let weight = roster.warm_weight(index, now).get();
            let others = endpoint.load_of_all().saturating_sub(1);
            let share = |bound: Bound| bound.capacity(weight, weights, others.into());
            let bounds = [rules.bound.map(share), rules.max_sessions.map(u64::from)];
            let level = Level {
                endpoint: endpoint.name().clone(),
                sessions: endpoint.load(),
                most: share(above),
                misplaced: 0,
                above: 0,
            };
            let stand = Stand {
                level,
                limit: bounds.into_iter().flatten().min().unwrap_or(u64::MAX),
                coming: 0,
                going: 0,
            };
            (index, stand)
        };
        Self {
            cluster,
            roster,
            indices: all().map(|(index, it)| (&**it.name(), index)).collect(),
            stands: all().filter(|(_, it)| takes(it)).map(stand).collect(),
        }
    }

    /// A session that goes is no longer one of its endpoint's, and one more of its owner's.
    fn count_out(&mut self, seat: &Seat) {
        let owner = self.owner(seat);
        let index = self.indices.get(&*seat.endpoint).copied();
        if let Some(stand) = index.and_then(|index| self.stands.get_mut(&index)) {
            stand.going += 1;
        }
        if let Some(stand) = owner.and_then(|owner| self.stands.get_mut(&owner)) {
            stand.coming += 1;
        }
    }

    fn judge(&mut self, seat: &Seat) -> Option<Reason> {
        let index = *self.indices.get(&*seat.endpoint)?;
        if seat.is_going {
            return None;
        }
        let owner = self.owner(seat);
        if let Some(owner) = owner.filter(|owner| *owner != index)
            && self.stands.contains_key(&index)
            && let Some(stand) = self.stands.get_mut(&owner)
            && stand.has_room()
        {
            stand.coming += 1;
            self.stands.get_mut(&index)?.level.misplaced += 1;
            return Some(Reason::Misplaced);
        }
        let stand = self.stands.get_mut(&index)?;
        let staying = stand.staying();
        // Whoever would come back is not asked to go.
        let would_come_back = owner.is_some_and(|owner| owner != index || staying <= stand.limit);
        let is_above = staying > stand.level.most && !would_come_back;
        is_above.then(|| {
            stand.level.above += 1;
            Reason::Above
        })
    }

    /// Who owns the session's affinity value, of those that take sessions.
    fn owner(&self, seat: &Seat) -> Option<usize> {
        let affinity = Affinity::from_bits(seat.affinity?);
        let mut order = self.cluster.order_of(affinity, self.roster);
        order.find(|index| self.stands.contains_key(index))
    }
}

#[cfg(test)]
mod tests;
