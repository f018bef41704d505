//! Spreads many goodbyes over a time, so that those who reconnect do not all come at once.

use std::time::Duration;

/// Moments spread over a duration: each has a slot of the same length to itself, and falls
/// anywhere in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stagger {
    over: Duration,
    seed: u64,
}

impl Stagger {
    /// Spreads over `over`, up to 584 years. The same `seed` gives the same moments; replicas
    /// should not share one.
    pub fn new(over: Duration, seed: u64) -> Self {
        Self { over, seed }
    }

    /// `count` moments, counted from the start, none before the one before it and none later than
    /// the duration.
    #[cfg(test)]
    pub(crate) fn offsets(self, count: usize) -> impl Iterator<Item = Duration> {
        (0..count).map(move |slot| self.moment(slot, count))
    }

    /// The moment in `slot` of `slots`, the first of which is 0. Those beyond the last are at the end.
    pub(crate) fn moment(self, slot: usize, slots: usize) -> Duration {
        let over = u64::try_from(self.over.as_nanos()).unwrap_or(u64::MAX);
        let [slot, slots] = [slot, slots].map(|number| u64::try_from(number).unwrap_or(u64::MAX));
        let start = |slot: u64| portion(over, slot.min(slots), slots);
        let length = start(slot.saturating_add(1)).saturating_sub(start(slot));
        let (_, jitter) = length.carrying_mul(self.draw(slot), 0);
        Duration::from_nanos(start(slot) + jitter)
    }

    /// The time that it spreads over.
    pub(crate) fn over(self) -> Duration {
        self.over
    }

    /// A number uniform over all of `u64`: output `slot` of the generator `SplitMix64`.
    fn draw(self, slot: u64) -> u64 {
        let state = slot.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.seed.wrapping_add(state);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

/// `part` of `parts` of `whole`, rounded down; `part` is not greater than `parts`.
fn portion(whole: u64, part: u64, parts: u64) -> u64 {
    let portion = (u128::from(whole) * u128::from(part)).checked_div(u128::from(parts));
    portion
        .and_then(|portion| portion.try_into().ok())
        .unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn draws_are_those_of_splitmix64() {
        let stagger = Stagger::new(MINUTE, 1_234_567);
        assert_eq!(
            [0, 1, 2].map(|slot| stagger.draw(slot)),
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn extremes_are_spread_too() {
        assert_eq!(Stagger::new(MINUTE, 7).offsets(0).count(), 0);
        let at_once: Vec<Duration> = Stagger::new(Duration::ZERO, 7).offsets(2).collect();
        assert_eq!(at_once, [Duration::ZERO; 2]);
        let ages: Vec<Duration> = Stagger::new(Duration::MAX, 7).offsets(2).collect();
        assert!(ages[0] < ages[1] && ages[1] <= Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn seeds_give_moments_of_their_own() {
        let moments = |seed| Stagger::new(MINUTE, seed).offsets(8).collect::<Vec<_>>();
        assert_eq!(moments(1), moments(1));
        assert!(
            moments(1)
                .iter()
                .zip(moments(2))
                .all(|(one, other)| *one != other)
        );
    }

    #[test]
    fn moments_fall_anywhere_in_their_slots() {
        let slot = MINUTE / 1000;
        let mut quarters = [0; 4];
        for (moment, number) in Stagger::new(MINUTE, 7).offsets(1000).zip(0u32..) {
            let quarter = moment.saturating_sub(slot * number).as_nanos() * 4 / slot.as_nanos();
            quarters[usize::try_from(quarter).expect("small")] += 1;
        }
        assert!(
            quarters.iter().all(|count| (180..320).contains(count)),
            "{quarters:?}"
        );
    }

    proptest! {
        #[test]
        fn each_moment_is_in_its_slot(
            over in 0u64..1 << 50,
            seed: u64,
            count in 1usize..200,
        ) {
            let stagger = Stagger::new(Duration::from_nanos(over), seed);
            let moments: Vec<Duration> = stagger.offsets(count).collect();
            prop_assert_eq!(moments.len(), count);
            prop_assert!(moments.is_sorted());
            let slots = u64::try_from(count).expect("small");
            for (moment, slot) in moments.into_iter().zip(0..) {
                prop_assert!(moment >= Duration::from_nanos(over * slot / slots));
                prop_assert!(moment <= Duration::from_nanos(over * (slot + 1) / slots));
            }
        }
    }
}
