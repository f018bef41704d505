//! What one worker serves with: its own dialer, registry and numbers, and the shared snapshot.

use std::sync::Arc;

use switchyard_drain::{Tasks, Watch};
use switchyard_push::{Desk, Push, TooMany};
use switchyard_relay::{Handle, Registry};
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::drain::DrainMetrics;
use switchyard_telemetry::metrics::traffic::WorkerMetrics;
use switchyard_telemetry::metrics::upgrade::UpgradeMetrics;
use switchyard_upstream::Dialer;

use crate::drains::Drains;
use crate::handover::Handover;
use crate::random::Random;
use crate::snapshot::SnapshotCell;
use crate::subscription::Subscription;
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
    /// What is published to sessions.
    pub(crate) push: Push,
    /// The subscriptions of this worker's.
    pub(crate) desk: Desk,
    index: usize,
}

/// What a worker is given. Clones of what it has in common with others are the same.
pub struct Equipment<'a> {
    /// What it serves.
    pub snapshot: Arc<SnapshotCell>,
    /// Where it keeps its sessions.
    pub registry: Registry,
    /// How it levels its connections.
    pub handover: Handover,
    /// What it counts into.
    pub metrics: &'a Metrics,
    /// Where it keeps its tasks.
    pub tasks: Tasks,
    /// Whose phases it goes along with.
    pub watch: Watch,
    /// What takes no new sessions.
    pub drains: Arc<Drains>,
    /// What is published to its sessions.
    pub push: Push,
    /// Which of the workers it is, from 0 on.
    pub index: usize,
}

impl Worker {
    /// A worker with this equipment.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(with: Equipment<'_>) -> Result<Self, getrandom::Error> {
        let metrics = with.metrics;
        Ok(Self {
            snapshot: with.snapshot,
            turns: Turns::default(),
            registry: with.registry,
            handover: with.handover,
            dialer: Dialer::new(with.tasks.clone()),
            metrics: metrics.worker(),
            drain: metrics.drain().clone(),
            tasks: with.tasks,
            watch: with.watch,
            random: Random::new()?,
            drains: with.drains,
            upgrade: metrics.upgrade().clone(),
            desk: with.push.hub().desk(with.index),
            push: with.push,
            index: with.index,
        })
    }

    /// Subscribes a session of this worker.
    ///
    /// # Errors
    /// It has as many channels as it may have, the first of those.
    pub(crate) fn subscribe(&self, session: &Handle, to: &Subscription) -> Result<(), TooMany> {
        self.push
            .subscribe(self.index, session, &to.channels, &to.resume)
    }

    /// What dials for this worker; its idle connections are closed at shutdown.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }
}
