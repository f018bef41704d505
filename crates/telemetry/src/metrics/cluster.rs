//! What happens in a cluster as a whole.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::registered;

/// The families that every cluster has a series of.
pub(super) struct ClusterVecs {
    retries: IntCounterVec,
    denied: IntCounterVec,
    rebalanced: IntCounterVec,
    endpoints: IntGaugeVec,
    unverified: IntGaugeVec,
    discoveries: IntCounterVec,
    failures: IntCounterVec,
}

impl ClusterVecs {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let retries = Opts::new(
            "switchyard_cluster_retries_total",
            "Times that the next endpoint was tried because one could not be reached.",
        );
        let denied = Opts::new(
            "switchyard_cluster_retries_denied_total",
            "Times that the next endpoint was not tried because the retry budget was spent.",
        );
        let rebalanced = Opts::new(
            "switchyard_cluster_rebalanced_total",
            "Sessions that were asked to come again because another endpoint is to have them.",
        );
        let endpoints = Opts::new(
            "switchyard_cluster_endpoints",
            "Endpoints that the cluster has now.",
        );
        let unverified = Opts::new(
            "switchyard_cluster_tls_unverified",
            "1 where whoever answers is taken for an endpoint (dangerously_skip_verification), 0 otherwise.",
        );
        let discoveries = Opts::new(
            "switchyard_discovery_updates_total",
            "Times that discovery told other endpoints than before.",
        );
        let failures = Opts::new(
            "switchyard_discovery_failures_total",
            "Times that discovery could not be asked, by reason; what it told last holds.",
        );
        let by_reason = ["cluster", "reason"];
        Ok(Self {
            retries: registered(registry, IntCounterVec::new(retries, &["cluster"])?)?,
            denied: registered(registry, IntCounterVec::new(denied, &["cluster"])?)?,
            rebalanced: registered(registry, IntCounterVec::new(rebalanced, &["cluster"])?)?,
            endpoints: registered(registry, IntGaugeVec::new(endpoints, &["cluster"])?)?,
            unverified: registered(registry, IntGaugeVec::new(unverified, &["cluster"])?)?,
            discoveries: registered(registry, IntCounterVec::new(discoveries, &["cluster"])?)?,
            failures: registered(registry, IntCounterVec::new(failures, &by_reason)?)?,
        })
    }

    pub(super) fn cluster(&self, name: &str) -> ClusterMetrics {
        ClusterMetrics {
            name: name.into(),
            retries: self.retries.with_label_values(&[name]),
            denied: self.denied.with_label_values(&[name]),
            rebalanced: self.rebalanced.with_label_values(&[name]),
            endpoints: self.endpoints.with_label_values(&[name]),
            unverified: self.unverified.with_label_values(&[name]),
            discoveries: self.discoveries.with_label_values(&[name]),
            failures: self.failures.clone(),
        }
    }
}

/// The metrics of one cluster.
#[derive(Clone)]
pub struct ClusterMetrics {
    name: Box<str>,
    retries: IntCounter,
    denied: IntCounter,
    rebalanced: IntCounter,
    endpoints: IntGauge,
    unverified: IntGauge,
    discoveries: IntCounter,
    failures: IntCounterVec,
}

impl ClusterMetrics {
    /// Counts a move to the next endpoint in order.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// Counts a move to the next endpoint that was not made, for want of a budget.
    pub fn retry_denied(&self) {
        self.denied.inc();
    }

    /// Counts sessions that were asked to come again.
    pub fn rebalanced(&self, sessions: usize) {
        let sessions = u64::try_from(sessions).unwrap_or(u64::MAX);
        self.rebalanced.inc_by(sessions);
    }

    /// The cluster has so many endpoints.
    pub fn endpoints(&self, count: usize) {
        self.endpoints.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Says whether whoever answers is taken for an endpoint.
    pub fn tls_unverified(&self, is_unverified: bool) {
        self.unverified.set(is_unverified.into());
    }

    /// Counts a change that discovery told.
    pub fn discovered(&self) {
        self.discoveries.inc();
    }

    /// Counts a failure of discovery. `reason` is from a closed list.
    pub fn discovery_failed(&self, reason: &'static str) {
        self.failures
            .with_label_values(&[&*self.name, reason])
            .inc();
    }
}
