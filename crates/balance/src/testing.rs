//! What the tests of several balancers share.

use std::num::NonZeroU32;

use proptest::prelude::*;

use crate::{Affinity, HashKey, Member};

/// A key that is not the public one.
pub(crate) fn key() -> HashKey {
    HashKey::derive(b"a secret of some length")
}

/// Members called after their place, with these weights.
pub(crate) fn members(weights: &[u32]) -> Vec<Member> {
    let member = |(index, weight): (usize, &u32)| {
        let weight = NonZeroU32::new(*weight).expect("a weight");
        Member::new(&key(), &format!("10.0.0.{index}:9000"), weight)
    };
    weights.iter().enumerate().map(member).collect()
}

/// `count` affinities, always the same.
pub(crate) fn affinities(count: u32) -> impl Iterator<Item = Affinity> + Clone {
    let key = key();
    (0..count).map(move |user| key.affinity("cookie:user", &user.to_le_bytes()))
}

/// Weights of 1 to 12 members.
pub(crate) fn weights() -> impl Strategy<Value = Vec<u32>> {
    let weight = prop_oneof![Just(1u32), 1u32..10, 1u32..];
    prop::collection::vec(weight, 1..13)
}

/// The same members listed in two ways.
pub(crate) fn listed_and_shuffled() -> impl Strategy<Value = (Vec<Member>, Vec<Member>)> {
    weights().prop_flat_map(|weights| {
        let members = members(&weights);
        (Just(members.clone()), Just(members).prop_shuffle())
    })
}

/// Asserts that of all `counts` each is as near to its share by weight as chance allows: five
/// standard deviations of a binomial draw.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and weights of tests are small"
)]
pub(crate) fn assert_shares(counts: &[u32], weights: &[u32]) {
    let draws = f64::from(counts.iter().sum::<u32>());
    let sum = weights.iter().map(|weight| u64::from(*weight)).sum::<u64>() as f64;
    for (count, weight) in counts.iter().zip(weights) {
        let share = f64::from(*weight) / sum;
        let deviation = (draws * share * (1.0 - share)).sqrt();
        let off = (f64::from(*count) - draws * share).abs();
        assert!(
            off <= 5.0 * deviation,
            "{counts:?} is not in proportion to {weights:?}"
        );
    }
}

/// Whether `order` has each of `count` indices once.
pub(crate) fn is_permutation(order: &[usize], count: usize) -> bool {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    sorted.into_iter().eq(0..count)
}
