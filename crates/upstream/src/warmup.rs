//! Slow start: an endpoint that has come, or has come back, is given its share little by little.
//!
//! A server that has just started has cold caches and an empty heap; its whole share at once would be
//! its first outage. Its weight grows from a tenth to the whole over the configured time.
//!
//! Not here: who heeds the weight. Where a session goes by its affinity value, weights cannot change
//! without moving other sessions; there only the bound of `bounded_load` grows.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The whole weight, in thousandths of it.
pub(crate) const WHOLE: NonZeroU32 = NonZeroU32::new(1000).expect("not zero");

/// What the first moment gives, in thousandths: less would leave a small cluster's endpoint unused.
const FIRST: u32 = 100;

/// Since when an endpoint warms up.
#[derive(Debug)]
pub(crate) struct Warmup {
    /// How long it takes; `None`: no time at all.
    length: Option<Duration>,
    /// The same under other settings.
    since: Arc<Since>,
}

/// When it last began.
#[derive(Debug)]
struct Since {
    /// What `began` is counted from.
    epoch: Instant,
    /// In milliseconds, 0 when it never did.
    began: AtomicU64,
}

impl Warmup {
    /// Of an endpoint that is warm.
    pub(crate) fn new(length: Option<Duration>) -> Self {
        Self {
            length,
            since: Arc::new(Since {
                epoch: Instant::now(),
                began: AtomicU64::new(0),
            }),
        }
    }

    /// The same, where it takes this long.
    pub(crate) fn with_length(&self, length: Option<Duration>) -> Self {
        Self {
            length,
            since: Arc::clone(&self.since),
        }
    }

    /// It begins anew.
    pub(crate) fn begin(&self, now: Instant) {
        let since = now.saturating_duration_since(self.since.epoch).as_millis();
        let began = u64::try_from(since).unwrap_or(u64::MAX).max(1);
        self.since.began.store(began, Ordering::Relaxed);
    }

    /// How far it is, in thousandths. It also begins when `back` says, the end of an ejection.
    pub(crate) fn reached(
        &self,
        back: impl FnOnce() -> Option<Instant>,
        now: Instant,
    ) -> NonZeroU32 {
        let Some(length) = self.length else {
            return WHOLE;
        };
        let began = match self.since.began.load(Ordering::Relaxed) {
            0 => None,
            began => self.since.epoch.checked_add(Duration::from_millis(began)),
        };
        let Some(since) = began.max(back()) else {
            return WHOLE;
        };
        let gone = now.saturating_duration_since(since).as_millis();
        let part = (gone * u128::from(WHOLE.get())).checked_div(length.as_millis());
        let part = part.and_then(|part| u32::try_from(part).ok());
        let part = part.unwrap_or(WHOLE.get()).clamp(FIRST, WHOLE.get());
        NonZeroU32::new(part).unwrap_or(WHOLE)
    }
}

#[cfg(test)]
mod tests;
