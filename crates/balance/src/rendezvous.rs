//! Weighted rendezvous hashing: the order follows from the affinity, and from nothing else.
//!
//! Of two replicas with the same key and members each gives the same order, however they list the
//! members. When a member goes, its keys go each to the second of its order, and no other key
//! moves; when one comes, keys move only to it. The cost is one hash a member, and one logarithm
//! when weights differ.
//!
//! Not here: load. A member that owns a popular key gets what that key brings.

use std::hash::Hasher;

use crate::key::{Affinity, HashKey};
use crate::member::Member;
use crate::race::Race;

/// The indices of all `members`, the owner of `affinity` first; the order behind it is found only
/// as far as it is asked for.
pub fn order(
    key: &HashKey,
    affinity: Affinity,
    members: &[Member],
) -> impl Iterator<Item = usize> + use<> {
    let mut keyed = key.hasher(b'r');
    keyed.write(&affinity.to_bytes());
    Race::new(members, |member| {
        let mut hasher = keyed;
        hasher.write(&member.hash().to_le_bytes());
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        affinities, assert_shares, is_permutation, key, listed_and_shuffled, members, weights,
    };
    use proptest::prelude::*;

    fn ranking(affinity: Affinity, members: &[Member]) -> Vec<usize> {
        order(&key(), affinity, members).collect()
    }

    /// The members themselves in their order.
    fn ranked(affinity: Affinity, members: &[Member]) -> Vec<Member> {
        order(&key(), affinity, members)
            .map(|index| members[index])
            .collect()
    }

    #[test]
    fn the_order_never_changes() {
        let golden = |key: &HashKey, weights: &[u32; 5], value: &[u8]| -> Vec<usize> {
            let members: Vec<Member> = (1..)
                .zip(weights)
                .map(|(host, weight)| {
                    let weight = (*weight).try_into().expect("not zero");
                    Member::new(key, &format!("10.0.0.{host}:9000"), weight)
                })
                .collect();
            order(key, key.affinity("path:room", value), &members).collect()
        };
        let even = [1; 5];
        let uneven = [1, 1, 2, 4, 8];
        let secret = HashKey::derive(b"a secret of some length");
        assert_eq!(golden(&HashKey::PUBLIC, &even, b"lobby"), [4, 1, 2, 3, 0]);
        assert_eq!(golden(&HashKey::PUBLIC, &uneven, b"lobby"), [4, 3, 2, 1, 0]);
        assert_eq!(golden(&secret, &even, b"lobby"), [3, 4, 0, 2, 1]);
        assert_eq!(golden(&secret, &uneven, b"lobby"), [3, 4, 2, 0, 1]);
        assert_eq!(golden(&secret, &uneven, b"kitchen"), [4, 3, 2, 1, 0]);
        assert_eq!(golden(&secret, &uneven, b""), [3, 4, 1, 2, 0]);
    }

    #[test]
    fn owners_never_change() {
        let members = members(&[1, 1, 2, 4, 8]);
        let owners: Vec<usize> = affinities(32)
            .filter_map(|affinity| order(&key(), affinity, &members).next())
            .collect();
        assert_eq!(
            owners,
            [
                2, 4, 4, 3, 0, 3, 4, 4, 4, 4, 2, 3, 4, 3, 1, 4, 3, 4, 3, 4, 3, 4, 3, 3, 4, 2, 3, 2,
                4, 4, 4, 4
            ]
        );
    }

    #[test]
    fn owners_follow_weights() {
        for weights in [
            &[1u32, 1, 1, 1, 1][..],
            &[1, 1, 2, 4, 8, 100],
            &[3, 1_000_000, 999_999],
        ] {
            let members = members(weights);
            let mut owned = vec![0; weights.len()];
            for affinity in affinities(40_000) {
                owned[order(&key(), affinity, &members).next().expect("an owner")] += 1;
            }
            assert_shares(&owned, weights);
        }
    }

    #[test]
    fn heirs_follow_weights() {
        let weights = [1, 2, 3, 4];
        let members = members(&weights);
        let mut inherited = [0; 3];
        for affinity in affinities(40_000) {
            if let [3, heir, ..] = ranking(affinity, &members)[..] {
                inherited[heir] += 1;
            }
        }
        assert_shares(&inherited, &weights[..3]);
    }

    proptest! {
        #[test]
        fn every_order_is_a_permutation(weights in weights(), value: [u8; 4]) {
            let order = ranking(key().affinity("", &value), &members(&weights));
            prop_assert!(is_permutation(&order, weights.len()));
        }

        #[test]
        fn how_members_are_listed_does_not_matter(
            (listed, shuffled) in listed_and_shuffled(),
            value: [u8; 4],
        ) {
            let affinity = key().affinity("", &value);
            prop_assert_eq!(ranked(affinity, &listed), ranked(affinity, &shuffled));
        }

        #[test]
        fn a_member_comes_and_goes_without_moving_the_others(
            weights in weights(),
            gone: prop::sample::Index,
            value: [u8; 4],
        ) {
            let affinity = key().affinity("", &value);
            let with = members(&weights);
            let mut without = with.clone();
            let gone = without.remove(gone.index(with.len()));
            let mut expected = ranked(affinity, &with);
            expected.retain(|member| *member != gone);
            prop_assert_eq!(ranked(affinity, &without), expected);
        }

        #[test]
        fn a_greater_weight_only_attracts(
            weights in weights(),
            grown: prop::sample::Index,
            by in 1u32..100,
            value: [u8; 4],
        ) {
            let affinity = key().affinity("", &value);
            let grown = grown.index(weights.len());
            let before = ranking(affinity, &members(&weights));
            let mut weights = weights;
            weights[grown] = weights[grown].saturating_add(by);
            let after = ranking(affinity, &members(&weights));
            let place = |order: &[usize]| order.iter().position(|index| *index == grown);
            prop_assert!(place(&after) <= place(&before));
            let others = |order: Vec<usize>| -> Vec<usize> {
                order.into_iter().filter(|index| *index != grown).collect()
            };
            prop_assert_eq!(others(after), others(before));
        }
    }
}
