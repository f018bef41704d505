//! What becomes of published messages.
//!
//! What sessions get is counted in the blocks of their workers (`traffic`), everything else here; a scrape sums both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use super::family::{self, Family, float};
use super::traffic::{LAG_BOUNDS, PublishedTotals, Workers};
use crate::labels::{BusKind, NotDelivered};

/// Nanoseconds a second.
const NANOS: f64 = 1e9;

/// The metrics of published messages. Clones share the counts.
#[derive(Clone)]
pub struct PushMetrics {
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    published: AtomicU64,
    dropped: [AtomicU64; NotDelivered::ALL.len()],
    subscriptions: AtomicU64,
}

impl PushMetrics {
    pub(super) fn new(
        registry: &Registry,
        workers: Workers,
        bus: BusKind,
    ) -> prometheus::Result<Self> {
        let counts = Arc::<Counts>::default();
        let collector = PushCollector::new(Arc::clone(&counts), workers, bus)?;
        registry.register(Box::new(collector))?;
        Ok(Self { counts })
    }

    /// Counts a message that this gateway's own API published.
    pub fn published(&self) {
        self.counts.published.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts messages that go no further. Those that a session had in its queue are counted by its worker.
    pub fn dropped(&self, why: NotDelivered, messages: u64) {
        let reasons = NotDelivered::ALL.into_iter().zip(&self.counts.dropped);
        for (_, count) in reasons.filter(|(reason, _)| *reason == why) {
            count.fetch_add(messages, Ordering::Relaxed);
        }
    }

    /// A session is subscribed to one more channel.
    pub fn subscribed(&self) {
        self.counts.subscriptions.fetch_add(1, Ordering::Relaxed);
    }

    /// Sessions are subscribed to so many channels fewer.
    pub fn unsubscribed(&self, channels: usize) {
        let count = &self.counts.subscriptions;
        count.fetch_sub(channels as u64, Ordering::Relaxed);
    }
}

struct PushCollector {
    counts: Arc<Counts>,
    workers: Workers,
    bus: BusKind,
    published: Family,
    delivered: Family,
    dropped: Family,
    lag: Family,
    subscriptions: Family,
}

impl PushCollector {
    fn new(counts: Arc<Counts>, workers: Workers, bus: BusKind) -> prometheus::Result<Self> {
        Ok(Self {
            counts,
            workers,
            bus,
            published: Family::counter(
                "switchyard_push_published_total",
                "Messages that were published by the API of this gateway.",
                &["bus"],
            )?,
            delivered: Family::counter(
                "switchyard_push_delivered_total",
                "Published messages that were written to sessions, each session counted.",
                &["bus"],
            )?,
            dropped: Family::counter(
                "switchyard_push_dropped_total",
                "Published messages that were not delivered, by reason: for each session where its queue was full or it was \
                 closing, else for the gateway.",
                &["bus", "reason"],
            )?,
            lag: Family::histogram(
                "switchyard_push_lag_seconds",
                "Time from a published message's arrival in this process until it was written to a session, in seconds.",
                &["bus"],
            )?,
            subscriptions: Family::gauge(
                "switchyard_push_subscriptions",
                "Channels that sessions of this gateway are subscribed to, each session counted.",
                &[],
            )?,
        })
    }

    fn families(&self) -> [&Family; 5] {
        [
            &self.published,
            &self.delivered,
            &self.dropped,
            &self.lag,
            &self.subscriptions,
        ]
    }

    fn dropped(&self, totals: &PublishedTotals) -> Vec<Metric> {
        let reasons = NotDelivered::ALL.into_iter().zip(&self.counts.dropped);
        let series = reasons.map(|(reason, count)| {
            let of_sessions = match reason {
                NotDelivered::QueueFull => totals.queue_full,
                NotDelivered::Closing => totals.closing,
                NotDelivered::Overrun
                | NotDelivered::TooLarge
                | NotDelivered::Malformed
                | NotDelivered::Duplicate => 0,
            };
            let count = float(count.load(Ordering::Relaxed).wrapping_add(of_sessions));
            let labels = [self.bus.as_str(), reason.as_str()];
            self.dropped.labelled(&labels, family::counter(count))
        });
        series.collect()
    }
}

impl Collector for PushCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.families().into_iter().map(Family::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (totals, bus) = (self.workers.published(), [self.bus.as_str()]);
        let counted = |family: &Family, count| {
            family.with(vec![family.labelled(&bus, family::counter(float(count)))])
        };
        let lag = family::histogram(&LAG_BOUNDS, &totals.lag, float(totals.nanos) / NANOS);
        let subscriptions = float(self.counts.subscriptions.load(Ordering::Relaxed));
        vec![
            counted(
                &self.published,
                self.counts.published.load(Ordering::Relaxed),
            ),
            counted(&self.delivered, totals.delivered()),
            self.dropped.with(self.dropped(&totals)),
            self.lag.with(vec![self.lag.labelled(&bus, lag)]),
            self.subscriptions.with(vec![family::gauge(subscriptions)]),
        ]
    }
}
