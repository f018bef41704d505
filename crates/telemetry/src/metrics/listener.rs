//! Connections of a listener: open now, accepted, refused.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::registered;

/// The families that every listener has a series of.
pub(super) struct ListenerVecs {
    open: IntGaugeVec,
    accepted: IntCounterVec,
    rejected: IntCounterVec,
}

impl ListenerVecs {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let open = Opts::new(
            "switchyard_listener_connections",
            "Client connections that are open now.",
        );
        let accepted = Opts::new(
            "switchyard_listener_connections_total",
            "Client connections accepted since the start.",
        );
        let rejected = Opts::new(
            "switchyard_listener_rejected_total",
            "Client connections closed without being served, by reason.",
        );
        Ok(Self {
            open: registered(registry, IntGaugeVec::new(open, &["listener"])?)?,
            accepted: registered(registry, IntCounterVec::new(accepted, &["listener"])?)?,
            rejected: registered(
                registry,
                IntCounterVec::new(rejected, &["listener", "reason"])?,
            )?,
        })
    }

    pub(super) fn listener(&self, name: &str) -> ListenerMetrics {
        ListenerMetrics {
            name: name.into(),
            open: self.open.with_label_values(&[name]),
            accepted: self.accepted.with_label_values(&[name]),
            rejected: self.rejected.clone(),
        }
    }
}

/// The metrics of one listener.
#[derive(Clone)]
pub struct ListenerMetrics {
    name: Box<str>,
    open: IntGauge,
    accepted: IntCounter,
    rejected: IntCounterVec,
}

impl ListenerMetrics {
    /// Counts an accepted connection. Whoever calls this calls [`closed`](Self::closed) when it ends.
    pub fn opened(&self) {
        self.accepted.inc();
        self.open.inc();
    }

    /// An accepted connection has ended.
    pub fn closed(&self) {
        self.open.dec();
    }

    /// Counts a connection that was closed without being served. `reason` is from a closed list.
    pub fn rejected(&self, reason: &'static str) {
        self.rejected
            .with_label_values(&[&*self.name, reason])
            .inc();
    }
}
