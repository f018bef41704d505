//! How far this process has gone in leaving, and how its sessions go.

use std::time::Duration;

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::registered;
use crate::labels::{DrainResult, DrainState};

/// The metrics of leaving.
#[derive(Clone)]
pub struct DrainMetrics {
    state: IntGauge,
    sessions_left: IntGauge,
    eta: Gauge,
    closed: [IntCounter; 4],
}

impl DrainMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let state = IntGauge::new(
            "switchyard_drain_state",
            "How far the drain of the whole gateway has gone: 0 serving, 1 not ready, 2 draining, \
             3 cut.",
        )?;
        let sessions_left = IntGauge::new(
            "switchyard_drain_sessions_left",
            "Sessions still open in what is being drained; 0 when nothing is.",
        )?;
        let eta = Gauge::new(
            "switchyard_drain_eta_seconds",
            "How many seconds it takes until the last session of what is being drained was asked to \
             go; 0 when all were.",
        )?;
        let closed = Opts::new(
            "switchyard_drain_closed_total",
            "Sessions that went while what they were in was drained, by how: clean, unanswered, cut, or left by \
             themselves.",
        );
        let closed = registered(registry, IntCounterVec::new(closed, &["result"])?)?;
        Ok(Self {
            state: registered(registry, state)?,
            sessions_left: registered(registry, sessions_left)?,
            eta: registered(registry, eta)?,
            closed: DrainResult::ALL.map(|result| closed.with_label_values(&[result.as_str()])),
        })
    }

    /// Shows how far the drain has gone.
    pub fn state(&self, state: DrainState) {
        self.state.set(state.number());
    }

    /// Shows how many sessions are still open.
    pub fn sessions_left(&self, sessions: usize) {
        self.sessions_left
            .set(i64::try_from(sessions).unwrap_or(i64::MAX));
    }

    /// Shows how long it takes until all were asked to go.
    pub fn eta(&self, eta: Duration) {
        self.eta.set(eta.as_secs_f64());
    }

    /// Counts a session that went while draining.
    pub fn closed(&self, result: DrainResult) {
        let [clean, unanswered, cut, left] = &self.closed;
        match result {
            DrainResult::Clean => clean,
            DrainResult::Unanswered => unanswered,
            DrainResult::Cut => cut,
            DrainResult::Left => left,
        }
        .inc();
    }
}
