//! The clusters of a snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use arcstr::ArcStr;
use switchyard_balance::HashKey;
use switchyard_config as config;
use switchyard_drain::Tasks;
use switchyard_telemetry::Metrics;

use crate::cluster::Cluster;
use crate::membership::Departures;

/// Every cluster of a snapshot, by name.
#[derive(Debug, Default)]
pub struct Clusters {
    by_name: HashMap<ArcStr, Arc<Cluster>>,
}

/// Why a cluster cannot speak TLS to its endpoints.
#[derive(Debug, thiserror::Error)]
#[error("cluster `{cluster}` cannot speak TLS to its endpoints: {source}")]
pub struct ClusterError {
    /// The cluster's name.
    pub cluster: ArcStr,
    /// Which file is wrong, and how.
    pub source: switchyard_tls::Error,
}

impl Clusters {
    /// Makes the clusters of a configuration. `key` must be the same on every replica for the
    /// replicas to agree on orders and to know each other's cookies.
    ///
    /// Those of `former` whose settings are the same are in both; to the others that are in both by name
    /// their endpoints go over, with their sessions and their health. Nothing comes of the new ones
    /// before [`start`](Self::start).
    ///
    /// # Errors
    /// What is in the files of a cluster's certificates cannot be used.
    pub fn new(
        clusters: &[config::Cluster],
        key: &HashKey,
        metrics: &Metrics,
        former: &Self,
    ) -> Result<Self, ClusterError> {
        let made = clusters.iter().map(|settings| {
            let name = settings.name.clone();
            match former.get(&name) {
                Some(same) if same.is_of(settings, key) => Ok((name, Arc::clone(same))),
                former => match Cluster::new(settings, key, metrics, former.map(Arc::as_ref)) {
                    Ok(cluster) => Ok((name, Arc::new(cluster))),
                    Err(source) => Err(ClusterError {
                        cluster: name,
                        source,
                    }),
                },
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

    /// They are in use from now on instead of `former`: has `tasks` probe the endpoints of every cluster
    /// that asks for it, and follow who comes and goes; whose sessions are to go then is told to
    /// `departures`. Says which clusters are new, in whole or in part.
    pub fn start(
        &self,
        former: &Self,
        tasks: &Tasks,
        departures: &Departures,
    ) -> Vec<Arc<Cluster>> {
        for cluster in former.iter().filter(|cluster| !self.has(cluster)) {
            cluster.retire();
            if self.get(cluster.name()).is_none() {
                cluster.first_answer().give();
            }
        }
        let new: Vec<_> = self
            .iter()
            .filter(|cluster| !former.has(cluster))
            .cloned()
            .collect();
        for cluster in &new {
            cluster.start(tasks, departures);
        }
        new
    }

    fn has(&self, cluster: &Arc<Cluster>) -> bool {
        self.get(cluster.name())
            .is_some_and(|own| Arc::ptr_eq(own, cluster))
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.by_name.values()
    }
}

#[cfg(test)]
mod tests;
