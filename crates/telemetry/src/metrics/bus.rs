//! Whether the bus is there, and what was missed while it was not.

use std::time::Duration;

use prometheus::{
    Counter, CounterVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::registered;
use crate::labels::BusKind;

/// The metrics of the bus. Clones share the counts.
#[derive(Clone)]
pub struct BusMetrics {
    connected: IntGauge,
    gaps: IntCounter,
    gap_seconds: Counter,
    events_dropped: IntCounter,
}

impl BusMetrics {
    pub(super) fn new(registry: &Registry, bus: BusKind) -> prometheus::Result<Self> {
        let connected = Opts::new(
            "switchyard_bus_connected",
            "Whether the bus is there: 1 or 0.",
        );
        let gaps = Opts::new(
            "switchyard_bus_gaps_total",
            "Times that the bus was gone or could not keep up, so that messages may have been missed, counted when they end.",
        );
        let gap_seconds = Opts::new(
            "switchyard_bus_gap_seconds_total",
            "Time for which the bus was gone, in seconds, counted when it ends.",
        );
        let events_dropped = Opts::new(
            "switchyard_bus_events_dropped_total",
            "Events of sessions that were not published, because the bus was gone or too slow.",
        );
        let (label, value) = (["bus"], [bus.as_str()]);
        let connected = registered(registry, IntGaugeVec::new(connected, &label)?)?;
        let gaps = registered(registry, IntCounterVec::new(gaps, &label)?)?;
        let gap_seconds = registered(registry, CounterVec::new(gap_seconds, &label)?)?;
        let events_dropped = registered(registry, IntCounterVec::new(events_dropped, &label)?)?;
        Ok(Self {
            connected: connected.with_label_values(&value),
            gaps: gaps.with_label_values(&value),
            gap_seconds: gap_seconds.with_label_values(&value),
            events_dropped: events_dropped.with_label_values(&value),
        })
    }

    /// Shows whether the bus is there.
    pub fn connected(&self, is_connected: bool) {
        self.connected.set(is_connected.into());
    }

    /// Counts a time in which messages may have been missed, when it is over.
    pub fn gap(&self, lasted: Duration) {
        self.gaps.inc();
        self.gap_seconds.inc_by(lasted.as_secs_f64());
    }

    /// Counts an event that was not published.
    pub fn event_dropped(&self) {
        self.events_dropped.inc();
    }
}
