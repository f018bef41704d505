//! How long to wait before Redis is tried again. Not here: the waiting.

use std::time::Duration;

/// The pause after the first failure, before it is spread.
const FIRST: Duration = Duration::from_millis(100);

/// The longest pause, before it is spread.
const LONGEST: Duration = Duration::from_secs(5);

/// What lasted this long was worth having: the next pause is a first one.
const WORTH: Duration = Duration::from_secs(1);

/// Pauses that double, each spread over its upper half, so that many who lost the same server do not come back together.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    doubled: u32,
}

impl Pauses {
    /// The next one. `random` is any number; it says where in the upper half it lies.
    #[must_use]
    pub(super) fn next(&mut self, random: u32) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.doubled).min(LONGEST);
        if whole < LONGEST {
            self.doubled += 1;
        }
        let half = whole / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// Everything was well for this long.
    pub(super) fn was_well(&mut self, time: Duration) {
        if time >= WORTH {
            self.doubled = 0;
        }
    }
}

/// A random number; if the system has none to give, everyone comes back at the same time.
pub(super) fn random() -> u32 {
    getrandom::u32().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_and_starts_again() {
        let mut pauses = Pauses::default();
        let millis: Vec<_> = (0..8).map(|_| pauses.next(u32::MAX).as_millis()).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        pauses.was_well(WORTH / 2);
        assert_eq!(pauses.next(0), LONGEST / 2);
        pauses.was_well(WORTH);
        assert_eq!(pauses.next(0), FIRST / 2);
    }
}
