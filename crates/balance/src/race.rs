//! Weighted order from one uniform draw a member.
//!
//! Each member runs at a speed that is its weight, over a distance that is the negative logarithm
//! of its draw. Who arrives first among any of them is then in proportion to weight, and taking a
//! member out changes nothing among the others.
//!
//! Not here: where the draws come from.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::num::NonZeroU32;

use crate::log2::{FRACTION, log2};
use crate::member::Member;

/// The members' indices in order of arrival. All draws are made at once; the order is found only
/// as far as it is asked for.
#[derive(Debug)]
pub(crate) struct Race {
    runners: BinaryHeap<Runner>,
}

impl Race {
    /// Starts a race of `members`, each with its `draw`, uniform over all of `u64`.
    pub(crate) fn new(members: &[Member], draw: impl Fn(&Member) -> u64) -> Self {
        let distance = distances_for(members);
        let runner = |(index, member): (usize, &Member)| {
            let draw = draw(member);
            let distance = distance(draw);
            Runner {
                distance,
                weight: member.weight(),
                draw,
                hash: member.hash(),
                index,
            }
        };
        Self {
            runners: members.iter().enumerate().map(runner).collect(),
        }
    }
}

impl Iterator for Race {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.runners.pop().map(|runner| runner.index)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.runners.len(), Some(self.runners.len()))
    }
}

/// How draws become distances. At equal speeds the logarithm cannot change who arrives first, and
/// is spared.
fn distances_for(members: &[Member]) -> fn(u64) -> u64 {
    let mut weights = members.iter().map(Member::weight);
    let first = weights.next();
    if weights.all(|weight| Some(weight) == first) {
        |draw| !draw
    } else {
        |draw| (64 << FRACTION) - log2(draw)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Runner {
    distance: u64,
    weight: NonZeroU32,
    draw: u64,
    hash: u64,
    index: usize,
}

/// The greatest arrives first, which is how a heap gives it. Who arrives together goes by draw,
/// which the logarithm has rounded, and then by identity; by index only when that is the same.
impl Ord for Runner {
    fn cmp(&self, other: &Self) -> Ordering {
        let mine = u128::from(self.distance) * u128::from(other.weight.get());
        let theirs = u128::from(other.distance) * u128::from(self.weight.get());
        theirs
            .cmp(&mine)
            .then(self.draw.cmp(&other.draw))
            .then(self.hash.cmp(&other.hash))
            .then(other.index.cmp(&self.index))
    }
}

impl PartialOrd for Runner {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::members;
    use proptest::prelude::*;

    fn order(members: &[Member], draw: impl Fn(&Member) -> u64) -> Vec<usize> {
        Race::new(members, draw).collect()
    }

    #[test]
    fn the_greatest_draw_arrives_first_and_speed_helps() {
        let draws = [1 << 60, 3 << 60, 2 << 60];
        let even = members(&[7, 7, 7]);
        let draw = |all: &[Member], member: &Member| {
            draws[all
                .iter()
                .position(|other| other == member)
                .expect("a member")]
        };
        assert_eq!(order(&even, |member| draw(&even, member)), [1, 2, 0]);
        let uneven = members(&[9, 1, 1]);
        assert_eq!(order(&uneven, |member| draw(&uneven, member)), [0, 1, 2]);
    }

    #[test]
    fn equal_draws_go_by_identity_not_by_index() {
        for weights in [[1, 1, 1], [1, 1, 2]] {
            let forwards = members(&weights);
            let backwards: Vec<Member> = forwards.iter().copied().rev().collect();
            let mirrored: Vec<usize> = order(&backwards, |_| u64::MAX)
                .iter()
                .map(|index| 2 - index)
                .collect();
            assert_eq!(order(&forwards, |_| u64::MAX), mirrored);
        }
    }

    #[test]
    fn nobody_races_alone() {
        assert!(order(&[], |_| 0).is_empty());
        assert_eq!(order(&members(&[u32::MAX]), |_| 0), [0]);
        assert_eq!(
            Race::new(&members(&[1, 2, 3]), |_| 0).size_hint(),
            (3, Some(3))
        );
    }

    proptest! {
        #[test]
        fn sparing_the_logarithm_changes_no_order(
            draws in prop::collection::vec(prop_oneof![any::<u64>(), u64::MAX - 99..], 2..12),
            weight in 1u32..,
        ) {
            let even = members(&vec![weight; draws.len()]);
            let draw = |member: &Member| {
                draws[even.iter().position(|other| other.hash() == member.hash()).unwrap_or(0)]
            };
            // An outsider with another weight makes the logarithm necessary.
            let mut uneven = even.clone();
            uneven.push(members(&vec![weight ^ 1 | 2; draws.len() + 1])[draws.len()]);
            let with_logarithm: Vec<usize> =
                order(&uneven, draw).into_iter().filter(|index| *index < draws.len()).collect();
            prop_assert_eq!(order(&even, draw), with_logarithm);
        }
    }
}
