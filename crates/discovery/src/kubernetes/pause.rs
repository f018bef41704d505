//! How long to wait before the API server is asked again. Not here: the waiting.

use std::time::Duration;

/// The pause after the first failure, before it is spread.
const FIRST: Duration = Duration::from_millis(500);

/// The longest pause, before it is spread.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// Pauses that double, each spread over its upper half, so that many who lost the same server do not
/// come back together.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    doubled: u32,
}

impl Pauses {
    /// The next one. `random` is any number; it says where in the upper half it lies.
    #[must_use]
    pub(super) fn next(&mut self, random: u32) -> Duration {
        let whole = FIRST
            .saturating_mul(1_u32.checked_shl(self.doubled).unwrap_or(u32::MAX))
            .min(LONGEST);
        if whole < LONGEST {
            self.doubled += 1;
        }
        let half = whole / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// All is well again: the next pause is a first one.
    pub(super) fn reset(&mut self) {
        self.doubled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_and_starts_again() {
        let mut pauses = Pauses::default();
        let millis: Vec<_> = (0..9).map(|_| pauses.next(u32::MAX).as_millis()).collect();
        assert_eq!(
            millis,
            [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
        );
        pauses.reset();
        assert_eq!(pauses.next(u32::MAX), FIRST);
    }

    #[test]
    fn is_spread_over_its_upper_half() {
        assert_eq!(Pauses::default().next(0), FIRST / 2);
        assert_eq!(Pauses::default().next(u32::MAX / 2).as_millis(), 375);
        assert_eq!(Pauses::default().next(u32::MAX), FIRST);
    }
}
