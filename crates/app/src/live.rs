//! What is in use now, and what a reload replaces as a whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use switchyard_config::Config;
use switchyard_edge::{Snapshot, SnapshotCell};
use switchyard_relay::DrainPlan;

use crate::error::StartError;
use crate::plan;

/// What is in use. Clones are the same.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) snapshot: Arc<SnapshotCell>,
    settings: Arc<ArcSwap<Settings>>,
}

/// What is in use beside the snapshot.
pub(crate) struct Settings {
    pub(crate) config: Config,
    /// How sessions are asked to go.
    pub(crate) plan: DrainPlan,
}

impl Settings {
    pub(crate) fn of(config: Config) -> Result<Self, StartError> {
        let plan = plan::of(&config.drain)?;
        Ok(Self { config, plan })
    }
}

impl Live {
    pub(crate) fn new(snapshot: Snapshot, settings: Settings) -> Self {
        Self {
            snapshot: Arc::new(SnapshotCell::from_pointee(snapshot)),
            settings: Arc::new(ArcSwap::from_pointee(settings)),
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// How sessions are asked to go, as it is in use now.
    pub(crate) fn plan(&self) -> DrainPlan {
        self.settings.load().plan.clone()
    }

    /// From now on these are in use.
    pub(crate) fn replace(&self, snapshot: Arc<Snapshot>, settings: Settings) {
        self.snapshot.store(snapshot);
        self.settings.store(Arc::new(settings));
    }
}
