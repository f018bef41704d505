//! Which part of a weighted split a handshake gets.
//!
//! With an affinity the choice is sticky, and it is drawn apart from the order of endpoints: the
//! clients of a canary are no particular endpoint's clients. Parts lie one behind the other, so
//! that when the last part of a split grows, it takes clients from the others and loses none.

use std::hash::Hasher;

use crate::key::{Affinity, HashKey};

/// The index of the part chosen by `affinity` or, without one, by `random`; none when all weights
/// are zero.
pub fn pick(
    key: &HashKey,
    affinity: Option<Affinity>,
    random: u64,
    weights: &[u32],
) -> Option<usize> {
    let draw = affinity.map_or(random, |affinity| {
        let mut hasher = key.hasher(b's');
        hasher.write(&affinity.to_bytes());
        hasher.finish()
    });
    let weights = || weights.iter().map(|weight| u64::from(*weight));
    let (_, mut place) = weights().sum::<u64>().carrying_mul(draw, 0);
    weights().position(|weight| {
        let is_here = place < weight;
        place = place.saturating_sub(weight);
        is_here
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rendezvous;
    use crate::testing::{affinities, assert_shares, key, members};
    use proptest::prelude::*;

    #[test]
    fn the_choice_never_changes() {
        let picks: Vec<usize> = affinities(24)
            .filter_map(|affinity| pick(&key(), Some(affinity), 0, &[1, 2, 1]))
            .collect();
        assert_eq!(
            picks,
            [
                0, 0, 0, 2, 1, 1, 2, 0, 1, 1, 1, 0, 1, 1, 0, 2, 0, 0, 1, 1, 1, 2, 1, 2
            ]
        );
    }

    #[test]
    fn nothing_is_chosen_from_nothing() {
        assert_eq!(pick(&key(), None, 7, &[]), None);
        assert_eq!(pick(&key(), None, 7, &[0, 0]), None);
        assert_eq!(pick(&key(), None, u64::MAX, &[0, 1, 0]), Some(1));
        assert_eq!(pick(&key(), None, 0, &[0, 1, 0]), Some(1));
    }

    #[test]
    fn shares_follow_weights() {
        let weights = [95, 4, 0, 1];
        let (mut sticky, mut random) = ([0; 4], [0; 4]);
        for (number, affinity) in (0..40_000u64).zip(affinities(40_000)) {
            sticky[pick(&key(), Some(affinity), 0, &weights).expect("a part")] += 1;
            let draw = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            random[pick(&key(), None, draw, &weights).expect("a part")] += 1;
        }
        assert_shares(&sticky, &weights);
        assert_shares(&random, &weights);
    }

    #[test]
    fn a_canary_that_grows_keeps_its_clients() {
        for affinity in affinities(10_000) {
            let before = pick(&key(), Some(affinity), 0, &[95, 5]);
            let after = pick(&key(), Some(affinity), 0, &[90, 10]);
            assert!(before == after || after == Some(1));
        }
    }

    #[test]
    fn a_part_s_clients_are_no_particular_endpoint_s() {
        let weights = [1, 2, 3];
        let members = members(&weights);
        let mut sessions = [[0; 3]; 2];
        for affinity in affinities(40_000) {
            let part = pick(&key(), Some(affinity), 0, &[80, 20]).expect("a part");
            let owner = rendezvous::order(&key(), affinity, &members)
                .next()
                .expect("an owner");
            sessions[part][owner] += 1;
        }
        assert_shares(&sessions[0], &weights);
        assert_shares(&sessions[1], &weights);
    }

    proptest! {
        #[test]
        fn the_choice_is_sticky_whatever_the_moment(value: [u8; 4], one: u64, other: u64) {
            let affinity = Some(key().affinity("", &value));
            let weights = [3, 1, u32::MAX];
            let first = pick(&key(), affinity, one, &weights);
            prop_assert_eq!(first, pick(&key(), affinity, other, &weights));
        }

        #[test]
        fn a_part_without_weight_is_never_chosen(
            weights in prop::collection::vec(prop_oneof![Just(0u32), any::<u32>()], 0..8),
            random: u64,
        ) {
            match pick(&key(), None, random, &weights) {
                Some(part) => prop_assert!(weights[part] > 0),
                None => prop_assert!(weights.iter().all(|weight| *weight == 0)),
            }
        }
    }
}
