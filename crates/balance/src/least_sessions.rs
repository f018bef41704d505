//! Fewest sessions by weight, among two at a time.
//!
//! Of two members drawn by weight the one goes first that would have fewer sessions for its
//! weight with one more. Comparing two and not all keeps replicas, each of which knows only its
//! own sessions, from running to the same member at once.

use std::cmp::Ordering;

use crate::member::Member;
use crate::random;

/// The indices of all `members`: each place goes to the better of two, the loser of the place
/// before and the next that is drawn. `sessions` says how many a member has; it is asked only
/// about the members that are compared.
pub fn order<F: Fn(usize) -> u64>(
    random: u64,
    members: &[Member],
    sessions: F,
) -> impl Iterator<Item = usize> + use<'_, F> {
    let mut drawn = random::order(random, members);
    let mut loser = drawn.next();
    std::iter::from_fn(move || {
        let Some(challenger) = drawn.next() else {
            return loser.take();
        };
        let winner = loser?;
        match compare(members, &sessions, challenger, winner) {
            Ordering::Less => Some(challenger),
            Ordering::Equal | Ordering::Greater => loser.replace(challenger),
        }
    })
}

/// Compares the loads that two members would have with one session more.
fn compare(members: &[Member], sessions: impl Fn(usize) -> u64, a: usize, b: usize) -> Ordering {
    let load = |index: usize| u128::from(sessions(index)) + 1;
    let weight = |index: usize| members.get(index).map_or(1, |member| member.weight().get());
    (load(a) * u128::from(weight(b))).cmp(&(load(b) * u128::from(weight(a))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_shares, is_permutation, members, weights};
    use proptest::prelude::*;
    use std::cell::RefCell;

    #[test]
    fn of_two_the_one_with_fewer_sessions_goes_first() {
        let members = members(&[1, 1]);
        for random in 0..100 {
            let order: Vec<usize> = order(random, &members, |index| [8, 7][index]).collect();
            assert_eq!(order, [1, 0]);
        }
    }

    #[test]
    fn sessions_count_by_weight() {
        let members = members(&[1, 3]);
        let first = |sessions: [u64; 2]| {
            let mut order = order(7, &members, move |index| sessions[index]);
            order.next()
        };
        assert_eq!(first([10, 31]), Some(1));
        assert_eq!(first([10, 33]), Some(0));
        assert_eq!(first([u64::MAX, u64::MAX]), Some(1));
    }

    #[test]
    fn the_one_with_the_most_is_never_first() {
        let members = members(&[1; 5]);
        for random in 0..1000 {
            let first = order(random, &members, |index| u64::from(index == 3)).next();
            assert_ne!(first, Some(3));
        }
    }

    #[test]
    fn only_two_are_asked_about_for_the_first() {
        let asked = RefCell::new(Vec::new());
        let members = members(&[1; 100]);
        let first = order(7, &members, |index| {
            asked.borrow_mut().push(index);
            0
        })
        .next();
        assert!(first.is_some());
        assert_eq!(asked.borrow().len(), 2);
    }

    #[test]
    fn sessions_that_stay_settle_by_weight() {
        let weights = [1, 2, 5];
        let members = members(&weights);
        let mut sessions = [0u64; 3];
        for random in 0..8_000 {
            let first = order(random, &members, |index| sessions[index]).next();
            sessions[first.expect("a member")] += 1;
        }
        for (sessions, weight) in sessions.into_iter().zip([1_000u64, 2_000, 5_000]) {
            assert!(
                sessions.abs_diff(weight) <= 50,
                "{sessions} are not near {weight}"
            );
        }
    }

    #[test]
    fn without_sessions_chance_decides() {
        let members = members(&[1; 4]);
        let mut first = [0; 4];
        for random in 0..20_000 {
            first[order(random, &members, |_| 0).next().expect("a member")] += 1;
        }
        assert_shares(&first, &[1; 4]);
    }

    proptest! {
        #[test]
        fn every_order_is_a_permutation(
            weights in weights(),
            sessions in prop::collection::vec(any::<u64>(), 13),
            random: u64,
        ) {
            let members = members(&weights);
            let order: Vec<usize> = order(random, &members, |index| sessions[index]).collect();
            prop_assert!(is_permutation(&order, weights.len()));
        }
    }
}
