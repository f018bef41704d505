//! Bounded load: no member above a factor of its fair share.
//!
//! A key's owner gets what the key brings, however popular it is. With a bound a member that has its
//! share already passes on to the next of the key's own order ("Consistent Hashing with Bounded Loads",
//! 2016). While loads are level every key stays with its owner.
//!
//! Not here: whose loads. Replicas that count only their own sessions may pass on at different moments.

/// How far above its fair share a member may be, in hundredths: 125 is a quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound(u32);

impl Bound {
    /// A factor in hundredths. At 100 and below there would be no room for the next session at all, so
    /// that 101 is the least.
    pub const fn from_hundredths(hundredths: u32) -> Self {
        Self(if hundredths > 101 { hundredths } else { 101 })
    }

    /// How many sessions a member of `weight` may have when one more has come: its share by weight of
    /// all `sessions` and that one, times the factor, rounded up. The capacities of all members
    /// together are always more than the sessions, so that there is room for the next.
    pub fn capacity(self, weight: u32, all_weights: u64, sessions: u64) -> u64 {
        let sessions = u128::from(sessions) + 1;
        let share = sessions * u128::from(weight) * u128::from(self.0);
        let whole = u128::from(all_weights.max(weight.into()).max(1)) * 100;
        u64::try_from(share.div_ceil(whole)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rendezvous;
    use crate::testing::{affinities, key, members, weights};
    use proptest::prelude::*;

    #[test]
    fn a_capacity_is_a_share_and_something() {
        let quarter = Bound::from_hundredths(125);
        assert_eq!(quarter.capacity(1, 4, 0), 1);
        assert_eq!(quarter.capacity(1, 4, 99), 32);
        assert_eq!(quarter.capacity(3, 4, 99), 94);
        assert_eq!(quarter.capacity(4, 4, 99), 125);
        assert_eq!(Bound::from_hundredths(0), Bound::from_hundredths(101));
        assert_eq!(
            quarter.capacity(u32::MAX, u32::MAX.into(), u64::MAX),
            u64::MAX
        );
    }

    /// Places sessions one after the other, as a cluster does; the loads, and how many stayed with
    /// their owner.
    fn place(
        weights: &[u32],
        bound: Bound,
        keys: impl Iterator<Item = crate::Affinity>,
    ) -> (Vec<u64>, u32) {
        let members = members(weights);
        let all_weights = weights.iter().map(|weight| u64::from(*weight)).sum();
        let (mut loads, mut at_home) = (vec![0; weights.len()], 0);
        for affinity in keys {
            let sessions = loads.iter().sum();
            let has_room = |index: &usize| {
                loads[*index] < bound.capacity(weights[*index], all_weights, sessions)
            };
            let mut order = rendezvous::order(&key(), affinity, &members).enumerate();
            let (place, chosen) = order
                .find(|(_, index)| has_room(index))
                .expect("there is room");
            at_home += u32::from(place == 0);
            loads[chosen] += 1;
        }
        (loads, at_home)
    }

    proptest! {
        #[test]
        fn nobody_is_above_the_bound_and_there_is_room_for_everyone(
            weights in weights(),
            hundredths in 101u32..300,
            popular: bool,
        ) {
            let bound = Bound::from_hundredths(hundredths);
            let users = if popular { 2 } else { 200 };
            let keys = affinities(users).cycle().take(200);
            let (loads, _) = place(&weights, bound, keys);
            let all_weights = weights.iter().map(|weight| u64::from(*weight)).sum();
            for (load, weight) in loads.iter().zip(&weights) {
                prop_assert!(*load <= bound.capacity(*weight, all_weights, 199));
            }
        }
    }

    #[test]
    fn with_even_keys_nearly_all_stay_at_home() {
        let (_, at_home) = place(&[1; 10], Bound::from_hundredths(125), affinities(10_000));
        assert!(at_home > 9_900, "{at_home}");
    }
}
