//! What is done for the clusters that are in use: they are probed, followed and levelled, and the
//! sessions of endpoints that leave are seen off.

use std::sync::Arc;

use switchyard_drain::Tasks;
use switchyard_edge::Snapshot;
use switchyard_relay::Registry;
use switchyard_upstream::{Clusters, Departure, Departures};
use tokio::sync::mpsc;

use crate::drains::Drains;
use crate::live::Live;
use crate::{departures, rebalance};

/// Endpoints that leave while the one before is being told.
const DEPARTURES: usize = 16;

/// See the module.
pub(crate) struct Care {
    registries: Vec<Registry>,
    pub(crate) departures: Departures,
    told: mpsc::Receiver<Departure>,
    drains: Drains,
}

/// The care of clusters that are replaced.
#[derive(Clone)]
pub(crate) struct Caretaker {
    registries: Vec<Registry>,
    departures: Departures,
    tasks: Tasks,
    live: Live,
}

impl Care {
    /// For sessions that are in these; those of endpoints that leave are left to `drains`.
    pub(crate) fn new(registries: Vec<Registry>, drains: Drains) -> Self {
        let (departures, told) = mpsc::channel(DEPARTURES);
        Self {
            registries,
            departures,
            told,
            drains,
        }
    }

    /// Begins with what is in use.
    pub(crate) fn begin(self, live: &Live) -> Caretaker {
        let caretaker = Caretaker {
            registries: self.registries,
            departures: self.departures,
            tasks: Tasks::new(),
            live: live.clone(),
        };
        let seeing_off = departures::see_off(self.told, self.drains);
        caretaker.tasks.spawn(seeing_off);
        caretaker.take_over(&live.snapshot.load(), None);
        caretaker
    }
}

impl Caretaker {
    /// `snapshot` is in use in place of `former`.
    pub(crate) fn take_over(&self, snapshot: &Snapshot, former: Option<&Snapshot>) {
        let none = Clusters::default();
        let before = former.map_or(&none, |former| former.clusters());
        for cluster in snapshot
            .clusters()
            .start(before, &self.tasks, &self.departures)
        {
            if let Some(settings) = cluster.rebalance() {
                let (registries, live) = (self.registries.clone(), self.live.clone());
                let levelling = rebalance::level(Arc::clone(&cluster), settings, registries, live);
                cluster.while_in_use(&self.tasks, levelling);
            }
        }
        snapshot.follow_files(former, &self.tasks);
    }
}
