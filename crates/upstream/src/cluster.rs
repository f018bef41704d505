//! A named group of interchangeable endpoints, and how one is found for a request.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchyard_balance::{
    Affinity, HashKey, Member, least_sessions, random, rendezvous, round_robin,
};
use switchyard_config::{self as config, Balancer, HeaderCase};
use switchyard_drain::Tasks;
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::cluster::ClusterMetrics;

use crate::endpoint::Endpoint;
use crate::health;
use crate::outlier::Outliers;
use crate::ranking::{Order, Ranking, Rules};
use crate::sources;

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

    /// Has `tasks` probe the endpoints of every cluster that asks for it.
    pub fn watch_health(&self, tasks: &Tasks) {
        for cluster in self.iter() {
            cluster.watch_health(tasks);
        }
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.by_name.values()
    }
}

/// A named group of interchangeable endpoints and their policy.
pub struct Cluster {
    name: Arc<str>,
    endpoints: Arc<[Arc<Endpoint>]>,
    /// As the balancers want them, in the order of `endpoints`.
    members: Box<[Member]>,
    key: HashKey,
    balancer: Balancer,
    /// Where round robin is; shared by all workers.
    cursor: AtomicU64,
    connect_timeout: Duration,
    retries: u32,
    header_case: HeaderCase,
    rules: Rules,
    health: Option<Arc<config::Health>>,
    metrics: ClusterMetrics,
}

impl Cluster {
    fn new(cluster: &config::Cluster, key: &HashKey, metrics: &Metrics) -> Self {
        let sources = &cluster.source_addresses;
        sources::try_out(&cluster.name, sources);
        let outliers = cluster
            .outlier
            .clone()
            .map(|policy| Arc::new(Outliers::new(policy, cluster.endpoints.len())));
        let endpoint = |endpoint| {
            let outliers = outliers.clone();
            Endpoint::new(&cluster.name, endpoint, sources, key, outliers, metrics)
        };
        let endpoints: Arc<[_]> = cluster
            .endpoints
            .iter()
            .map(endpoint)
            .map(Arc::new)
            .collect();
        let members = endpoints
            .iter()
            .zip(&cluster.endpoints)
            .map(|(endpoint, settings)| Member::new(key, endpoint.name(), settings.weight))
            .collect();
        Self {
            name: Arc::clone(&cluster.name),
            endpoints,
            members,
            key: key.clone(),
            balancer: cluster.balancer,
            cursor: AtomicU64::new(0),
            connect_timeout: cluster.connect_timeout,
            retries: cluster.retries,
            header_case: cluster.header_case,
            rules: Rules {
                max_sessions: cluster.max_sessions_per_endpoint.map(NonZeroU32::get),
                none_healthy: cluster.when_none_healthy,
            },
            health: cluster.health.clone().map(Arc::new),
            metrics: metrics.cluster(&cluster.name),
        }
    }

    /// Has `tasks` probe every endpoint for as long as it is there, if the cluster asks for that.
    fn watch_health(&self, tasks: &Tasks) {
        let Some(health) = &self.health else { return };
        for endpoint in self.endpoints.iter() {
            tasks.spawn(health::watch(Arc::downgrade(endpoint), Arc::clone(health)));
        }
    }

    /// Unique among the clusters.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Every endpoint, in the order of the configuration.
    #[must_use]
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// Orders the endpoints for one handshake or request, best first; who may not have another
    /// session is passed over.
    ///
    /// With `affinity` the order is the affinity value's own, the same on every replica, whatever
    /// the balancer is; without it the balancer alone decides, and a hashed balancer, having nothing
    /// to hash, takes `random`. `preferred`, which an issued cookie named, goes before all others.
    pub fn rank(
        &self,
        affinity: Option<Affinity>,
        preferred: Option<&Arc<Endpoint>>,
        random: u64,
    ) -> Ranking {
        let order = match affinity {
            Some(affinity) => Box::new(rendezvous::order(&self.key, affinity, &self.members)),
            None => self.balance(random),
        };
        Ranking::new(Arc::clone(&self.endpoints), order, preferred, self.rules)
    }

    /// The endpoint that `token` names, if it is of this cluster and the token is genuine.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<Arc<Endpoint>> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.token().matches(token.as_bytes()))
            .cloned()
    }

    /// What an issued cookie says for `endpoint`.
    #[must_use]
    pub fn token<'a>(&self, endpoint: &'a Endpoint) -> &'a str {
        endpoint.token().as_str()
    }

    /// How its endpoints are probed.
    #[cfg(test)]
    pub(crate) fn health(&self) -> Option<&Arc<config::Health>> {
        self.health.as_ref()
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(crate) fn header_case(&self) -> HeaderCase {
        self.header_case
    }

    /// How many endpoints are tried at most.
    pub(crate) fn attempts(&self) -> usize {
        usize::try_from(self.retries)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }

    pub(crate) fn metrics(&self) -> &ClusterMetrics {
        &self.metrics
    }

    /// The balancer's order when there is no affinity value.
    fn balance(&self, random: u64) -> Order {
        match self.balancer {
            Balancer::Rendezvous | Balancer::Random => {
                Box::new(random::order(random, &self.members))
            }
            Balancer::LeastSessions => {
                let order = least_sessions::order(random, &self.members, |index| self.load(index));
                Box::new(order.collect::<Vec<_>>().into_iter())
            }
            Balancer::RoundRobin => {
                let cursor = self.cursor.fetch_add(1, Ordering::Relaxed);
                Box::new(round_robin::order(cursor, &self.members))
            }
        }
    }

    fn load(&self, index: usize) -> u64 {
        self.endpoints
            .get(index)
            .map_or(0, |endpoint| endpoint.load().into())
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.name)
            .field("endpoints", &self.endpoints)
            .field("balancer", &self.balancer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
