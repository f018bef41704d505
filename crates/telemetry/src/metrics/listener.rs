//! Connections of a listener: open now, accepted, refused.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::registered;

/// The families that every listener has a series of.
pub(super) struct ListenerVecs {
    open: IntGaugeVec,
    accepted: IntCounterVec,
    rejected: IntCounterVec,
    http2_ended: IntCounterVec,
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
        let http2_ended = Opts::new(
            "switchyard_http2_connections_ended_total",
            "HTTP/2 connections of clients that ended, by reason: closed, idle, or the error code \
             that one side gave.",
        );
        Ok(Self {
            open: registered(registry, IntGaugeVec::new(open, &["listener"])?)?,
            accepted: registered(registry, IntCounterVec::new(accepted, &["listener"])?)?,
            rejected: registered(
                registry,
                IntCounterVec::new(rejected, &["listener", "reason"])?,
            )?,
            http2_ended: registered(
                registry,
                IntCounterVec::new(http2_ended, &["listener", "reason"])?,
            )?,
        })
    }

    pub(super) fn listener(&self, name: &str) -> ListenerMetrics {
        ListenerMetrics {
            name: name.into(),
            open: self.open.with_label_values(&[name]),
            accepted: self.accepted.with_label_values(&[name]),
            rejected: self.rejected.clone(),
            http2_ended: self.http2_ended.clone(),
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
    http2_ended: IntCounterVec,
}

impl ListenerMetrics {
    /// Counts an accepted connection. Whoever calls this calls [`closed`](Self::closed) when it ends.
    pub fn opened(&self) {
        self.accepted.inc();
        self.open.inc();
    }

    /// Counts a connection that another process has accepted, as open. It is counted as accepted there.
    pub fn taken_over(&self) {
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

    /// Counts an HTTP/2 connection that ended. `reason` is from a closed list.
    pub fn http2_ended(&self, reason: &'static str) {
        self.http2_ended
            .with_label_values(&[&*self.name, reason])
            .inc();
    }
}
