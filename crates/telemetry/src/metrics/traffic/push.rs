//! Published messages, as the sessions of one worker got them.

use std::time::Duration;

use super::block::Tally;

/// Upper bounds of the buckets, in seconds: from a write at once to a client that is far behind.
pub(in crate::metrics) const LAG_BOUNDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// One more than the bounds: the last bucket has none.
pub(in crate::metrics) const LAG_BUCKETS: usize = LAG_BOUNDS.len() + 1;

/// Written by one worker, read by any.
#[derive(Default)]
pub(super) struct Published {
    lag: [Tally; LAG_BUCKETS],
    nanos: Tally,
    queue_full: Tally,
    closing: Tally,
}

impl Published {
    pub(super) fn delivered(&self, lag: Duration) {
        let seconds = lag.as_secs_f64();
        let bucket = LAG_BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.lag.get(bucket) {
            bucket.add(1);
        }
        self.nanos
            .add(u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn queue_full(&self, messages: u64) {
        self.queue_full.add(messages);
    }

    pub(super) fn closing(&self, messages: u64) {
        self.closing.add(messages);
    }
}

/// The sum over workers and routes.
#[derive(Default)]
pub(in crate::metrics) struct PublishedTotals {
    pub(in crate::metrics) lag: [u64; LAG_BUCKETS],
    pub(in crate::metrics) nanos: u64,
    pub(in crate::metrics) queue_full: u64,
    pub(in crate::metrics) closing: u64,
}

impl PublishedTotals {
    pub(super) fn add(&mut self, published: &Published) {
        for (total, bucket) in self.lag.iter_mut().zip(&published.lag) {
            *total = total.wrapping_add(bucket.get());
        }
        self.nanos = self.nanos.wrapping_add(published.nanos.get());
        self.queue_full = self.queue_full.wrapping_add(published.queue_full.get());
        self.closing = self.closing.wrapping_add(published.closing.get());
    }

    pub(in crate::metrics) fn delivered(&self) -> u64 {
        self.lag.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_falls_into_the_first_bucket_that_holds_it() {
        for (index, bound) in LAG_BOUNDS.iter().enumerate() {
            let (published, mut totals) = (Published::default(), PublishedTotals::default());
            published.delivered(Duration::from_secs_f64(*bound));
            published.delivered(Duration::from_secs_f64(bound * 1.01));
            totals.add(&published);
            assert_eq!(totals.lag[index..=index + 1], [1, 1], "{bound}");
            assert_eq!(totals.delivered(), 2);
        }
    }
}
