//! What one worker serves with: its own dialer, registry and numbers, and the shared snapshot.

use std::sync::Arc;

use switchyard_drain::{Tasks, Watch};
use switchyard_relay::Registry;
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::drain::DrainMetrics;
use switchyard_telemetry::metrics::traffic::WorkerMetrics;
use switchyard_telemetry::metrics::upgrade::UpgradeMetrics;
use switchyard_upstream::Dialer;

use crate::drains::Drains;
use crate::handover::Handover;
use crate::random::Random;
use crate::snapshot::SnapshotCell;
use crate::turns::Turns;

/// One worker's context. Everything in it but the snapshot is this worker's own.
pub struct Worker {
    pub(crate) snapshot: Arc<SnapshotCell>,
    pub(crate) registry: Registry,
    pub(crate) handover: Handover,
    pub(crate) dialer: Dialer,
    pub(crate) metrics: WorkerMetrics,
    pub(crate) drain: DrainMetrics,
    pub(crate) tasks: Tasks,
    pub(crate) watch: Watch,
    pub(crate) random: Random,
    pub(crate) turns: Turns,
    /// What is being drained by order; shared with the other workers.
    pub(crate) drains: Arc<Drains>,
    pub(crate) upgrade: UpgradeMetrics,
}

impl Worker {
    /// A worker that serves `snapshot`, keeps its sessions in `registry` and its tasks in `tasks`,
    /// levels its connections by `handover` and goes along with the phases of `watch`. What `drains`
    /// has takes no new sessions.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(
        snapshot: Arc<SnapshotCell>,
        registry: Registry,
        handover: Handover,
        metrics: &Metrics,
        tasks: Tasks,
        watch: Watch,
        drains: Arc<Drains>,
    ) -> Result<Self, getrandom::Error> {
        Ok(Self {
            snapshot,
            turns: Turns::default(),
            registry,
            handover,
            dialer: Dialer::new(tasks.clone()),
            metrics: metrics.worker(),
            drain: metrics.drain().clone(),
            tasks,
            watch,
            random: Random::new()?,
            drains,
            upgrade: metrics.upgrade().clone(),
        })
    }

    /// What dials for this worker; its idle connections are closed at shutdown.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }
}
