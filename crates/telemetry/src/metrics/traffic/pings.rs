//! The gateway's own Pings to one side: how long answers take, and how many never came.

use std::time::Duration;

use super::block::Tally;

/// Upper bounds of the buckets, in seconds: from the next machine to a phone in a tunnel.
pub(super) const RTT_BOUNDS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// One more than the bounds: the last bucket has none.
pub(super) const RTT_BUCKETS: usize = RTT_BOUNDS.len() + 1;

/// Written by one worker, read by any.
#[derive(Default)]
pub(super) struct Pings {
    buckets: [Tally; RTT_BUCKETS],
    nanos: Tally,
    timeouts: Tally,
}

impl Pings {
    pub(super) fn answered(&self, rtt: Duration) {
        let seconds = rtt.as_secs_f64();
        let bucket = RTT_BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.add(1);
        }
        self.nanos
            .add(u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn timed_out(&self) {
        self.timeouts.add(1);
    }
}

/// The sum over workers for one route and side.
#[derive(Default)]
pub(super) struct PingTotals {
    pub(super) counts: [u64; RTT_BUCKETS],
    pub(super) nanos: u64,
    pub(super) timeouts: u64,
}

impl PingTotals {
    pub(super) fn add(&mut self, pings: &Pings) {
        for (total, bucket) in self.counts.iter_mut().zip(&pings.buckets) {
            *total = total.wrapping_add(bucket.get());
        }
        self.nanos = self.nanos.wrapping_add(pings.nanos.get());
        self.timeouts = self.timeouts.wrapping_add(pings.timeouts.get());
    }

    pub(super) fn answered(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether there has been any.
    pub(super) fn are_there(&self) -> bool {
        self.answered() > 0 || self.timeouts > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bucket_that_holds_it() {
        for (index, bound) in RTT_BOUNDS.iter().enumerate() {
            let (pings, mut totals) = (Pings::default(), PingTotals::default());
            pings.answered(Duration::from_secs_f64(*bound));
            pings.answered(Duration::from_secs_f64(bound * 1.01));
            totals.add(&pings);
            assert_eq!(totals.counts[index..=index + 1], [1, 1], "{bound}");
        }
    }
}
