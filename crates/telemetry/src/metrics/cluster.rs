//! What happens in a cluster as a whole.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::registered;

/// The families that every cluster has a series of.
pub(super) struct ClusterVecs {
    retries: IntCounterVec,
}

impl ClusterVecs {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let retries = Opts::new(
            "switchyard_cluster_retries_total",
            "Times that the next endpoint was tried because one could not be reached.",
        );
        Ok(Self {
            retries: registered(registry, IntCounterVec::new(retries, &["cluster"])?)?,
        })
    }

    pub(super) fn cluster(&self, name: &str) -> ClusterMetrics {
        ClusterMetrics {
            retries: self.retries.with_label_values(&[name]),
        }
    }
}

/// The metrics of one cluster.
#[derive(Clone)]
pub struct ClusterMetrics {
    retries: IntCounter,
}

impl ClusterMetrics {
    /// Counts a move to the next endpoint in order.
    pub fn retried(&self) {
        self.retries.inc();
    }
}
