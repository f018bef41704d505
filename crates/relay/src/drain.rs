//! How sessions are asked to go, one after the other, so that they do not all come back to the next
//! gateway at once: who is first, over which time, and what they are told.
//!
//! Not here: the asking itself, when a drain begins, when it has taken too long, and what is counted.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use switchyard_proto::Close;

use crate::handle::Handle;

/// Who is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainOrder {
    /// Whoever has been quiet the longest: the least is interrupted.
    IdleFirst,
    /// Whoever has been there the longest.
    OldestFirst,
    /// By lot.
    Random,
}

/// How a drain goes.
#[derive(Clone, Debug)]
pub struct DrainPlan {
    /// The time over which the asking is spread; zero for all at once.
    pub over: Duration,
    /// Who is asked first.
    pub order: DrainOrder,
    /// What both peers are told.
    pub close: Close,
    /// Makes the order by lot and the jitter; another number for each replica.
    pub seed: u64,
}

impl DrainOrder {
    /// Puts handles in this order.
    pub(crate) fn sort(self, handles: &mut [Handle], seed: u64, now: Instant) {
        match self {
            // Names are drawn before endpoints answer, so that theirs is another order.
            Self::OldestFirst => handles.sort_by_key(|handle| handle.info().opened),
            Self::IdleFirst => handles.sort_by_cached_key(|handle| Reverse(handle.idle(now))),
            Self::Random => {
                handles.sort_by_cached_key(|handle| scramble(seed ^ handle.info().id.get()));
            }
        }
    }
}

/// A permutation of all numbers without visible order: the finaliser of splitmix64.
fn scramble(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::clock;

    #[test]
    fn the_oldest_is_who_opened_first_whatever_its_name() {
        let (mut first, mut second) = (crate::testing::info(), crate::testing::info());
        assert!(first.id < second.id);
        std::mem::swap(&mut first.id, &mut second.id);
        second.opened = first.opened + Duration::from_millis(1);
        let oldest = first.id;
        let mut handles = [Handle::new(second), Handle::new(first)];
        DrainOrder::OldestFirst.sort(&mut handles, 0, clock::now());
        assert_eq!(handles[0].info().id, oldest);
    }

    #[test]
    fn a_lot_depends_on_the_seed_and_forgets_nobody() {
        let handles: Vec<_> = (0..50)
            .map(|_| Handle::new(crate::testing::info()))
            .collect();
        let ids = |handles: &[Handle]| handles.iter().map(|h| h.info().id).collect::<Vec<_>>();
        let by_lot = |seed| {
            let mut handles = handles.clone();
            DrainOrder::Random.sort(&mut handles, seed, clock::now());
            ids(&handles)
        };
        assert_eq!(by_lot(1), by_lot(1));
        assert_ne!(by_lot(1), by_lot(2));
        assert_ne!(by_lot(1), ids(&handles));
        assert_eq!(
            BTreeSet::from_iter(by_lot(1)),
            BTreeSet::from_iter(ids(&handles))
        );
    }
}
