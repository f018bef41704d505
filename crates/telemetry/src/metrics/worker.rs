//! How many connections each worker has, which is also what workers level themselves by.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::registered;

/// The families that every worker has a series of.
pub(super) struct WorkerVecs {
    open: IntGaugeVec,
    handed_over: IntCounterVec,
}

impl WorkerVecs {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let open = Opts::new(
            "switchyard_worker_connections",
            "Client connections that the worker serves now.",
        );
        let handed_over = Opts::new(
            "switchyard_worker_handovers_total",
            "Client connections that the worker accepted and another serves, which had fewer.",
        );
        Ok(Self {
            open: registered(registry, IntGaugeVec::new(open, &["worker"])?)?,
            handed_over: registered(registry, IntCounterVec::new(handed_over, &["worker"])?)?,
        })
    }

    pub(super) fn worker(&self, index: usize) -> WorkerLoad {
        let index = index.to_string();
        WorkerLoad {
            open: self.open.with_label_values(&[&index]),
            handed_over: self.handed_over.with_label_values(&[&index]),
        }
    }
}

/// The connections of one worker. Clones share the counts.
#[derive(Clone, Debug)]
pub struct WorkerLoad {
    open: IntGauge,
    handed_over: IntCounter,
}

impl WorkerLoad {
    /// Connections that the worker serves now.
    pub fn connections(&self) -> u64 {
        u64::try_from(self.open.get()).unwrap_or(0)
    }

    /// Counts a connection of the worker until the guard is dropped.
    #[must_use = "the connection counts while the guard lives"]
    pub fn connection(&self) -> Served {
        self.open.inc();
        Served {
            open: self.open.clone(),
        }
    }

    /// Counts a connection that the worker accepted and gave to another.
    pub fn handed_over(&self) {
        self.handed_over.inc();
    }
}

/// A connection that a worker serves; the gauge falls when this is dropped.
#[derive(Debug)]
pub struct Served {
    open: IntGauge,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.open.dec();
    }
}
