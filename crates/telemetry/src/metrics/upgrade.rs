//! How the binary was upgraded, and the sessions that went from one process to the next.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::registered;

/// How the upgrade went of which a process came.
const DONE: &str = "done";

/// The metrics of upgrades. Clones share the counts.
#[derive(Clone)]
pub struct UpgradeMetrics {
    upgrades: IntCounterVec,
    handed_over: IntCounter,
    taken_over: IntCounter,
}

impl UpgradeMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let upgrades = Opts::new(
            "switchyard_upgrades_total",
            "Upgrades of the binary, by result: done, of which this process came, or why one that it \
             began came to nothing.",
        );
        let handed_over = IntCounter::new(
            "switchyard_sessions_handed_over_total",
            "Sessions that another process goes on with.",
        )?;
        let taken_over = IntCounter::new(
            "switchyard_sessions_taken_over_total",
            "Sessions that this process goes on with and another opened.",
        )?;
        Ok(Self {
            upgrades: registered(registry, IntCounterVec::new(upgrades, &["result"])?)?,
            handed_over: registered(registry, handed_over)?,
            taken_over: registered(registry, taken_over)?,
        })
    }

    /// Counts the upgrade of which this process came.
    pub fn done(&self) {
        self.upgrades.with_label_values(&[DONE]).inc();
    }

    /// Counts one that this process began and that came to nothing. `reason` is from a closed list.
    pub fn failed(&self, reason: &'static str) {
        self.upgrades.with_label_values(&[reason]).inc();
    }

    /// Counts a session that has gone to another process.
    pub fn handed_over(&self) {
        self.handed_over.inc();
    }

    /// Counts a session that has come from another.
    pub fn taken_over(&self) {
        self.taken_over.inc();
    }
}
