//! When the next may be asked to go: the one place that a pace comes from.
//!
//! [`Spread`] is one process's own: its askings fall anywhere in slots of equal length. [`Share`](crate::Share) is a
//! process's part of what all replicas may ask; whoever asks knows only the trait.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::stagger::Stagger;

/// Says when the next may be asked.
pub trait Pace: Send {
    /// Waits until one more may be asked. Cancel-safe.
    fn turn(&mut self) -> impl Future<Output = ()> + Send;

    /// How long it takes until all were asked, as far as is known now.
    fn remaining(&self) -> Duration;
}

/// Askings spread over a time from now on, each in a slot of its own.
#[derive(Debug)]
pub struct Spread {
    stagger: Stagger,
    slots: usize,
    used: usize,
    begun: Instant,
}

impl Spread {
    /// `slots` turns by `stagger`, counted from now.
    pub fn new(stagger: Stagger, slots: usize) -> Self {
        Self {
            stagger,
            slots,
            used: 0,
            begun: Instant::now(),
        }
    }
}

impl Pace for Spread {
    async fn turn(&mut self) {
        sleep_until(self.begun + self.stagger.moment(self.used, self.slots)).await;
        self.used += 1;
    }

    fn remaining(&self) -> Duration {
        if self.used >= self.slots {
            return Duration::ZERO;
        }
        self.stagger.over().saturating_sub(self.begun.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn turns_come_at_the_moments_of_the_stagger() {
        let stagger = Stagger::new(MINUTE, 11);
        let mut spread = Spread::new(stagger, 4);
        for moment in stagger.offsets(4) {
            assert_eq!(
                spread.remaining(),
                MINUTE.saturating_sub(spread.begun.elapsed())
            );
            spread.turn().await;
            let late = spread.begun.elapsed().saturating_sub(moment);
            assert!(late <= Duration::from_millis(1), "{late:?}");
        }
        assert_eq!(spread.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_was_not_waited_for_is_still_due() {
        let mut spread = Spread::new(Stagger::new(MINUTE, 11), 2);
        let hasty = tokio::time::timeout(Duration::ZERO, spread.turn()).await;
        assert!(hasty.is_err());
        assert_eq!(spread.used, 0);
    }
}
