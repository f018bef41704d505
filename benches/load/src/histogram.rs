//! A histogram of durations with a relative error under 0.8 %, from 1 ns to hours, in 64 KiB.

use std::time::Duration;

/// Steps in each power of two.
const STEPS: u64 = 128;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Counts of durations.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; bucket(u64::MAX) + 1],
            total: 0,
            longest: 0,
        }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count += 1;
        }
        self.total += 1;
        self.longest = self.longest.max(nanos);
    }

    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
        self.longest = 0;
    }

    /// The duration in microseconds that this share of the counts does not exceed.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are far below 2^52, and a quantile is between 0 and 1"
        )]
        let rank = (self.total as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return to_micros(upper(index).min(self.longest));
            }
        }
        0.0
    }

    pub(crate) fn longest_micros(&self) -> f64 {
        to_micros(self.longest)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody reads the last of 15 digits"
)]
fn to_micros(nanos: u64) -> f64 {
    nanos as f64 / 1_000.0
}

/// Values below `2 * STEPS` have a bucket each; above, each power of two has `STEPS`.
fn bucket(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(STEP_BITS + 1);
    let index = u64::from(shift) * STEPS + (nanos >> shift);
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The greatest value in a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let step = bucket - shift * STEPS;
    ((step + 1) << shift).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        let values = (0..64).flat_map(|bit| {
            let power = 1u64 << bit;
            [power - 1, power, power + power / 3, power + (power - 1)]
        });
        for value in values {
            let index = bucket(value);
            assert!(upper(index) >= value, "{value}");
            assert!(index == 0 || upper(index - 1) < value, "{value}");
            let error = upper(index) - value;
            assert!(error <= value / 128, "{value} is off by {error}");
        }
    }

    #[test]
    fn quantiles_are_ranks() {
        let mut histogram = Histogram::new();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (quantile, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = histogram.micros(quantile);
            assert!(
                (found / expected - 1.0).abs() < 0.008,
                "{quantile}: {found}"
            );
        }
        histogram.clear();
        assert!(histogram.micros(0.5).abs() < f64::EPSILON);
    }
}
