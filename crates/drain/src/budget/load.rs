//! What replicas tell one another of their drains, and what becomes of a pace by it.

use std::time::Duration;

/// The shortest time that a pace is counted over: who asks all at once asks them in this one.
const SHORTEST: Duration = Duration::from_secs(1);

/// What a replica has to do in its drains. Nothing, where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Load {
    /// How many sessions are still to be asked.
    pub left: u64,
    /// How many it would ask in a second, if it were alone.
    pub rate: f64,
}

impl Load {
    /// That of a drain of `slots` over this time, of which so many are left.
    pub(super) fn of(left: usize, slots: usize, over: Duration) -> Self {
        Self {
            left: as_u64(left),
            rate: as_f64(as_u64(slots)) / over.max(SHORTEST).as_secs_f64(),
        }
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            left: self.left.saturating_add(other.left),
            rate: self.rate + other.rate,
        }
    }

    /// Whether anybody is left, at a pace that is one: what another replica says may be anything.
    fn is_some(&self) -> bool {
        self.left > 0 && self.rate.is_finite() && self.rate > 0.0
    }
}

/// The part of its own pace that a replica goes at while others drain, too: the fastest of all paces, shared out by who
/// has how many left. Never more than the whole of its own.
pub(super) fn speed(own: Load, others: &[Load]) -> f64 {
    let others = || others.iter().filter(|load| load.is_some());
    if !own.is_some() || others().next().is_none() {
        return 1.0;
    }
    let fastest = others().fold(own.rate, |fastest, load| fastest.max(load.rate));
    let left = as_f64(own.left);
    let all = others().fold(left, |all, load| all + as_f64(load.left));
    (fastest / own.rate * (left / all)).min(1.0)
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share of a pace need not be exact beyond 53 bits"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(left: u64, rate: f64) -> Load {
        Load { left, rate }
    }

    #[test]
    fn the_fastest_pace_is_shared_by_who_has_how_many_left() {
        let half = load(100, 10.0);
        for (own, others, expected) in [
            (half, vec![], 1.0),
            (half, vec![half], 0.5),
            (half, vec![half, half, half], 0.25),
            (half, vec![load(300, 10.0)], 0.25),
            // A quarter of 30 a second is three quarters of 10.
            (half, vec![load(300, 30.0)], 0.75),
            // Never faster than alone.
            (half, vec![load(1, 1000.0)], 1.0),
            (load(0, 0.0), vec![half], 1.0),
        ] {
            let speed = speed(own, &others);
            assert!(
                (speed - expected).abs() < 1e-9,
                "{own:?} {others:?} {speed}"
            );
        }
    }

    #[test]
    fn what_is_no_pace_does_not_count() {
        for nonsense in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let speed = speed(load(1, 1.0), &[load(7, nonsense)]);
            assert!((speed - 1.0).abs() < 1e-9, "{nonsense}");
        }
        let slowed = speed(load(1, 1.0), &[load(u64::MAX, f64::MAX)]);
        assert!(slowed > 0.0 && slowed <= 1.0);
    }

    #[test]
    fn all_at_once_is_within_a_second() {
        assert_eq!(Load::of(3, 5, Duration::ZERO), load(3, 5.0));
        assert_eq!(Load::of(3, 5, Duration::from_secs(10)), load(3, 0.5));
    }
}
