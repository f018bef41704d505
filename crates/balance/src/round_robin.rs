//! Weighted round robin from a cursor that the caller counts up.
//!
//! A round has as many turns as the weights have units, and each unit has one turn in it, so that
//! every round gives each member exactly its weight. Turns step through the units by about the
//! golden ratio of a round, which spreads a heavy member's turns over it.
//!
//! Not here: the counter. It may be shared, and may wrap.

use crate::member::Member;
use crate::random;

/// The indices of all `members`, the one whose turn it is at `cursor` first. The others, which
/// are where the handshake goes if that one fails, are in an order drawn by weight, so that what
/// one member fails to take is spread over all.
pub fn order(cursor: u64, members: &[Member]) -> impl Iterator<Item = usize> + use<> {
    let first = turn(cursor, members);
    let others = random::order(cursor, members).filter(move |index| Some(*index) != first);
    first.into_iter().chain(others)
}

/// The member whose turn it is.
fn turn(cursor: u64, members: &[Member]) -> Option<usize> {
    let weights = || {
        members
            .iter()
            .map(|member| u64::from(member.weight().get()))
    };
    let unit = weights().fold(0, greatest_common_divisor).max(1);
    let round = weights().map(|weight| weight / unit).sum();
    let mut place = place(cursor, round)?;
    weights().position(|weight| {
        let weight = weight / unit;
        let is_here = place < weight;
        place = place.saturating_sub(weight);
        is_here
    })
}

/// Where in a round of so many units the turn at `cursor` falls; none in an empty round.
fn place(cursor: u64, round: u64) -> Option<u64> {
    let turn = u128::from(cursor.checked_rem(round)?);
    let place = (turn * u128::from(step(round))).checked_rem(u128::from(round))?;
    u64::try_from(place).ok()
}

/// The first number from the golden ratio of `round` on that has no divisor in common with it:
/// stepping by it visits all places before any twice.
fn step(round: u64) -> u64 {
    /// 2^64 divided by the golden ratio.
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let (_, golden) = round.carrying_mul(GOLDEN, 0);
    let is_coprime = |step: &u64| greatest_common_divisor(*step, round) == 1;
    (golden..=round).find(is_coprime).unwrap_or(1)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_shares, is_permutation, members, weights};
    use proptest::prelude::*;

    fn turns(weights: &[u32], from: u64, count: u64) -> Vec<usize> {
        let members = members(weights);
        (from..from + count)
            .filter_map(|cursor| order(cursor, &members).next())
            .collect()
    }

    #[test]
    fn equals_take_turns() {
        assert_eq!(turns(&[1, 1, 1], 0, 6), [0, 1, 2, 0, 1, 2]);
        assert_eq!(turns(&[7, 7], 0, 4), [0, 1, 0, 1]);
        assert_eq!(turns(&[5], 3, 2), [0, 0]);
        assert!(turns(&[], 0, 2).is_empty());
    }

    #[test]
    fn a_heavy_member_does_not_take_its_turns_in_one_go() {
        assert_eq!(turns(&[5, 1, 1], 0, 7), [0, 0, 0, 1, 0, 2, 0]);
        let longest = |weights: &[u32], count| {
            let turns = turns(weights, 0, count);
            turns.chunk_by(|a, b| a == b).map(<[usize]>::len).max()
        };
        assert_eq!(longest(&[50, 50, 50, 50], 200), Some(1));
        assert_eq!(longest(&[50, 49, 51], 150), Some(1));
    }

    #[test]
    fn what_one_fails_to_take_is_spread_by_weight() {
        let weights = [1, 2, 3, 6];
        let members = members(&weights);
        let mut seconds = [0; 3];
        for cursor in 0..20_000 {
            let mut order = order(cursor, &members);
            if order.next() == Some(3) {
                seconds[order.next().expect("a second")] += 1;
            }
        }
        assert_shares(&seconds, &weights[..3]);
    }

    proptest! {
        #[test]
        fn every_order_is_a_permutation(weights in weights(), cursor: u64) {
            let order: Vec<usize> = order(cursor, &members(&weights)).collect();
            prop_assert!(is_permutation(&order, weights.len()));
        }

        #[test]
        fn each_round_gives_each_its_weight(
            weights in prop::collection::vec(1u32..20, 1..8),
            times in 1u32..4,
            from in 0u64..1 << 40,
        ) {
            let round = weights.iter().copied().map(u64::from).sum();
            let multiples: Vec<u32> = weights.iter().map(|weight| weight * times).collect();
            let turns = turns(&multiples, from, round);
            for (index, weight) in weights.iter().enumerate() {
                let taken = turns.iter().filter(|turn| **turn == index).count();
                prop_assert_eq!(u32::try_from(taken), Ok(*weight));
            }
        }
    }
}
