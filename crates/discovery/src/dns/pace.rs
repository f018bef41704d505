//! When a name is looked up again: pure functions of time to live, failures and chance.

use std::time::Duration;

use crate::dns::Refresh;

/// No two lookups are closer than this, whatever the settings say.
const FLOOR: Duration = Duration::from_millis(10);

/// The waits of one name.
#[derive(Debug)]
pub(super) struct Pace {
    refresh: Refresh,
    /// Lookups that failed since the last that did not.
    failures: u32,
}

impl Pace {
    pub(super) fn new(refresh: Refresh) -> Self {
        Self {
            refresh,
            failures: 0,
        }
    }

    /// The wait after a whole answer that is valid for `ttl`.
    pub(super) fn after_answer(&mut self, ttl: Duration) -> Duration {
        self.failures = 0;
        ttl.max(self.refresh.min).min(self.refresh.max).max(FLOOR)
    }

    /// The wait after a lookup that failed.
    pub(super) fn after_failure(&mut self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.refresh
            .retry
            .saturating_mul(doubled)
            .min(self.refresh.max)
            .max(FLOOR)
    }

    /// The wait after an answer that lacks some of the endpoints: whichever comes first.
    pub(super) fn after_part(&mut self, ttl: Duration) -> Duration {
        let again = self.after_failure();
        let failures = self.failures;
        let expired = self.after_answer(ttl);
        self.failures = failures;
        again.min(expired)
    }
}

/// `wait` and up to a tenth more; `chance` is drawn from all `u32` alike.
pub(super) fn spread(wait: Duration, chance: u32) -> Duration {
    let most = wait / 10;
    let share = f64::from(chance) / f64::from(u32::MAX);
    wait.saturating_add(most.mul_f64(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFRESH: Refresh = Refresh {
        min: Duration::from_secs(5),
        max: Duration::from_mins(1),
        retry: Duration::from_secs(2),
    };

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_ttl_is_held_between_its_bounds() {
        let mut pace = Pace::new(REFRESH);
        for (ttl, wait) in [(0, 5), (5, 5), (30, 30), (60, 60), (86_400, 60)] {
            assert_eq!(pace.after_answer(seconds(ttl)), seconds(wait), "{ttl}");
        }
    }

    #[test]
    fn bounds_that_cross_or_are_nothing_make_no_busy_loop() {
        let mut crossed = Pace::new(Refresh {
            min: seconds(60),
            max: seconds(1),
            retry: seconds(9),
        });
        assert_eq!(crossed.after_answer(seconds(5)), seconds(1));
        assert_eq!(crossed.after_failure(), seconds(1));
        let mut nothing = Pace::new(Refresh {
            min: Duration::ZERO,
            max: Duration::ZERO,
            retry: Duration::ZERO,
        });
        assert_eq!(nothing.after_answer(Duration::ZERO), FLOOR);
        assert_eq!(nothing.after_failure(), FLOOR);
    }

    #[test]
    fn failures_wait_longer_each_time_until_an_answer() {
        let mut pace = Pace::new(REFRESH);
        let waits: Vec<_> = (0..7).map(|_| pace.after_failure().as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        for _ in 0..100 {
            assert_eq!(pace.after_failure(), seconds(60));
        }
        pace.after_answer(seconds(30));
        assert_eq!(pace.after_failure(), seconds(2));
    }

    #[test]
    fn a_part_of_an_answer_is_asked_for_again_as_a_failure_but_not_after_it_expired() {
        let mut pace = Pace::new(REFRESH);
        let waits: Vec<_> = (0..5)
            .map(|_| pace.after_part(seconds(10)).as_secs())
            .collect();
        assert_eq!(waits, [2, 4, 8, 10, 10]);
    }

    #[test]
    fn a_wait_is_up_to_a_tenth_longer() {
        assert_eq!(spread(seconds(10), 0), seconds(10));
        assert_eq!(spread(seconds(10), u32::MAX), seconds(11));
        let half = spread(seconds(10), 1 << 31);
        assert_eq!(half.as_millis(), 10_500);
        assert_eq!(spread(Duration::MAX, u32::MAX), Duration::MAX);
    }
}
