//! Every open session of several workers, in the order of their names, a few at a time.
//!
//! A registry is locked for one page and left alone until the next: a worker with a hundred thousand sessions
//! can open one more meanwhile. Names are drawn when handshakes begin, so that one that opens meanwhile may come or not:
//! whoever has to reach it too leaves word of that before the walk, where sessions that open look.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::handle::Handle;
use crate::registry::Registry;
use crate::session_info::SessionId;

/// How many sessions are taken from a registry at once.
const PAGE: usize = 256;

/// Goes through sessions in the order of their names.
pub struct Walk {
    lanes: Vec<Lane>,
    /// The lanes that have someone, by the name of the first.
    next: BinaryHeap<Reverse<(SessionId, usize)>>,
}

/// One registry, and who was taken from it.
struct Lane {
    registry: Registry,
    page: VecDeque<Handle>,
}

impl Walk {
    /// Those whose names come after `after`.
    pub fn after(after: SessionId, registries: &[Registry]) -> Self {
        let lanes = registries.iter().map(|registry| Lane {
            registry: registry.clone(),
            page: registry.page(after, PAGE).into(),
        });
        let lanes: Vec<_> = lanes.collect();
        let firsts = lanes.iter().enumerate();
        let firsts = firsts.filter_map(|(lane, it)| Some(Reverse((it.first()?, lane))));
        Self {
            next: firsts.collect(),
            lanes,
        }
    }

    /// All of them.
    pub fn all(registries: &[Registry]) -> Self {
        Self::after(SessionId::NONE, registries)
    }
}

impl Iterator for Walk {
    type Item = Handle;

    fn next(&mut self) -> Option<Handle> {
        let Reverse((_, at)) = self.next.pop()?;
        let lane = self.lanes.get_mut(at)?;
        let handle = lane.page.pop_front()?;
        if lane.page.is_empty() {
            lane.page = lane.registry.page(handle.info().id, PAGE).into();
        }
        self.next.extend(lane.first().map(|id| Reverse((id, at))));
        Some(handle)
    }
}

impl Lane {
    fn first(&self) -> Option<SessionId> {
        Some(self.page.front()?.info().id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ticket;
    use crate::testing::info;

    /// Sessions that come to three workers by turns, more than a page each.
    fn crowd() -> (Vec<Registry>, Vec<Ticket>) {
        let registries = vec![Registry::new(), Registry::new(), Registry::new()];
        let tickets = (0..4 * PAGE).map(|n| registries[n % 2].open(info()));
        let tickets = tickets.collect();
        (registries, tickets)
    }

    fn ids(walk: Walk) -> Vec<SessionId> {
        walk.map(|handle| handle.info().id).collect()
    }

    #[test]
    fn everyone_comes_once_and_in_order() {
        let (registries, tickets) = crowd();
        let expected: Vec<_> = tickets.iter().map(|ticket| ticket.info().id).collect();
        assert_eq!(ids(Walk::all(&registries)), expected);
        let (half, rest) = expected.split_at(PAGE + 7);
        let after = *half.last().expect("some");
        assert_eq!(ids(Walk::after(after, &registries)), rest);
        assert!(ids(Walk::after(SessionId::next(), &registries)).is_empty());
    }

    #[test]
    fn who_goes_before_its_page_is_not_there() {
        let (registries, mut tickets) = crowd();
        let mut walk = Walk::all(&registries);
        assert!(walk.next().is_some());
        drop(tickets.split_off(3 * PAGE));
        assert_eq!(walk.count(), 3 * PAGE - 1);
    }
}
