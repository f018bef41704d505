//! The clusters of a snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use switchyard_balance::HashKey;
use switchyard_config as config;
use switchyard_drain::Tasks;
use switchyard_telemetry::Metrics;

use crate::cluster::Cluster;
use crate::membership::Departures;

/// Every cluster of a snapshot, by name.
#[derive(Debug, Default)]
pub struct Clusters {
    by_name: HashMap<Arc<str>, Arc<Cluster>>,
}

impl Clusters {
    /// Makes the clusters of a configuration. `key` must be the same on every replica for the
    /// replicas to agree on orders and to know each other's cookies.
    #[must_use]
    pub fn new(clusters: &[config::Cluster], key: &HashKey, metrics: &Metrics) -> Self {
        let made = clusters.iter().map(|cluster| {
            (
                Arc::clone(&cluster.name),
                Arc::new(Cluster::new(cluster, key, metrics)),
            )
        });
        Self {
            by_name: made.collect(),
        }
    }

    /// The cluster of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Cluster>> {
        self.by_name.get(name)
    }

    /// Has `tasks` probe the endpoints of every cluster that asks for it, and follow who comes and
    /// goes; whose sessions are to go then is told to `departures`.
    pub fn start(&self, tasks: &Tasks, departures: &Departures) {
        for cluster in self.iter() {
            cluster.start(tasks, departures);
        }
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.by_name.values()
    }
}
