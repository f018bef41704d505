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

/// Why a cluster cannot speak TLS to its endpoints.
#[derive(Debug, thiserror::Error)]
#[error("cluster `{cluster}` cannot speak TLS to its endpoints: {source}")]
pub struct ClusterError {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// Which file is wrong, and how.
    pub source: switchyard_tls::Error,
}

impl Clusters {
    /// Makes the clusters of a configuration. `key` must be the same on every replica for the
    /// replicas to agree on orders and to know each other's cookies.
    ///
    /// # Errors
    /// What is in the files of a cluster's certificates cannot be used.
    pub fn new(
        clusters: &[config::Cluster],
        key: &HashKey,
        metrics: &Metrics,
    ) -> Result<Self, ClusterError> {
        let made = clusters.iter().map(|cluster| {
            let name = Arc::clone(&cluster.name);
            match Cluster::new(cluster, key, metrics) {
                Ok(cluster) => Ok((name, Arc::new(cluster))),
                Err(source) => Err(ClusterError {
                    cluster: name,
                    source,
                }),
            }
        });
        Ok(Self {
            by_name: made.collect::<Result<_, _>>()?,
        })
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
