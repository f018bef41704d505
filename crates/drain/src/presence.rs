//! How many are present, and how long nobody has been: for what may go when it is of no use.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// Counts those that use something. Whoever enters leaves once.
#[derive(Debug, Default)]
pub struct Presence {
    count: AtomicU32,
    /// The first has come, or the last has gone.
    changed: Notify,
}

impl Presence {
    /// One more is present.
    pub fn enter(&self) {
        if self.count.fetch_add(1, Ordering::AcqRel) == 0 {
            self.changed.notify_waiters();
        }
    }

    /// One more is present, if fewer than `most` are.
    #[must_use]
    pub fn try_enter(&self, most: u32) -> bool {
        let one_more = |count| (count < most).then_some(count + 1);
        let before = self
            .count
            .try_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        if before == Ok(0) {
            self.changed.notify_waiters();
        }
        before.is_ok()
    }

    /// One of those that entered has gone.
    pub fn leave(&self) {
        if self.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.changed.notify_waiters();
        }
    }

    /// Returns when nobody has been present for `patience`.
    pub async fn nobody_for(&self, patience: Duration) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.count.load(Ordering::Acquire) > 0 {
                changed.await;
            } else if timeout(patience, changed).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_alone_begins_anew_with_the_last_that_goes() {
        let (presence, begun) = (Presence::default(), Instant::now());
        let coming_and_going = async {
            sleep(Duration::from_secs(9)).await;
            presence.enter();
            sleep(Duration::from_mins(1)).await;
            presence.enter();
            presence.leave();
            presence.leave();
        };
        let patience = Duration::from_secs(10);
        tokio::join!(presence.nobody_for(patience), coming_and_going);
        assert_eq!(begun.elapsed(), Duration::from_secs(79));
    }

    #[test]
    fn no_more_enter_than_may() {
        let presence = Presence::default();
        assert!(presence.try_enter(2) && presence.try_enter(2));
        assert!(!presence.try_enter(2));
        presence.leave();
        assert!(presence.try_enter(2));
    }
}
