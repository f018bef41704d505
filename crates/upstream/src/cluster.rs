//! A named group of interchangeable endpoints, and how one is found for a request.

use std::fmt;
use std::iter;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::uri::Scheme;
use switchyard_balance::bounded::Bound;
use switchyard_balance::{Affinity, HashKey, least_sessions, random, rendezvous, round_robin};
use switchyard_config::{
    self as config, Balancer, ClusterHttp2, HeaderCase, OnRemoved, SendProxy, Trust,
};
use switchyard_discovery::Found;
use switchyard_drain::Tasks;
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::cluster::ClusterMetrics;

use crate::endpoint::Endpoint;
use crate::health::{self, Asking, Speech};
use crate::introduction;
use crate::membership::{self, Departures};
use crate::outlier::Outliers;
use crate::ranking::{Order, Ranking, Rules};
use crate::retry_budget::RetryBudget;
use crate::roster::{Changes, Maker, Roster};
use crate::sources;
use crate::tls::Tls;
use crate::zones;

/// A named group of interchangeable endpoints and their policy.
pub struct Cluster {
    name: Arc<str>,
    roster: ArcSwap<Roster>,
    maker: Maker,
    discovery: Option<config::Discovery>,
    on_removed: OnRemoved,
    balancer: Balancer,
    /// Where round robin is; shared by all workers.
    cursor: AtomicU64,
    connect_timeout: Duration,
    retries: u32,
    retry_budget: RetryBudget,
    header_case: HeaderCase,
    http2: Option<ClusterHttp2>,
    proxy_protocol: SendProxy,
    rules: Rules,
    /// Whose endpoints go first.
    zone: Option<Arc<str>>,
    rebalance: Option<config::Rebalance>,
    health: Option<Arc<config::Health>>,
    metrics: ClusterMetrics,
}

impl Cluster {
    /// Reads what is in the files of its certificates; all else has been checked.
    pub(crate) fn new(
        cluster: &config::Cluster,
        key: &HashKey,
        metrics: &Metrics,
    ) -> Result<Self, switchyard_tls::Error> {
        let tls = cluster.tls.as_ref();
        let is_unverified = tls.is_some_and(|tls| tls.trust == Trust::Anyone);
        let sources = &cluster.source_addresses;
        sources::try_out(&cluster.name, sources);
        let maker = Maker {
            cluster: Arc::clone(&cluster.name),
            key: key.clone(),
            tabled: cluster.balancer == Balancer::Maglev,
            sources: sources.clone(),
            tls: tls.map(Tls::new).transpose()?,
            pending: cluster.pending_handshakes,
            slow_start: cluster.slow_start,
            load: Arc::default(),
            outliers: cluster.outlier.clone().map(Outliers::new).map(Arc::new),
            metrics: metrics.clone(),
            former: Mutex::default(),
        };
        let roster = Roster::new(&maker, &cluster.endpoints);
        let cluster_metrics = metrics.cluster(&cluster.name);
        cluster_metrics.endpoints(roster.endpoints.len());
        cluster_metrics.tls_unverified(is_unverified);
        if is_unverified {
            warn_of_no_verification(&cluster.name);
        }
        Ok(Self {
            name: Arc::clone(&cluster.name),
            roster: ArcSwap::from_pointee(roster),
            maker,
            discovery: cluster.discovery.clone(),
            on_removed: cluster.on_removed,
            balancer: cluster.balancer,
            cursor: AtomicU64::new(0),
            connect_timeout: cluster.connect_timeout,
            retries: cluster.retries,
            retry_budget: RetryBudget::new(cluster.retry_budget, Instant::now()),
            header_case: cluster.header_case,
            http2: cluster.http2,
            proxy_protocol: cluster.proxy_protocol,
            rules: Rules {
                bound: cluster.bounded_load.map(Bound::from_hundredths),
                max_sessions: cluster.max_sessions_per_endpoint.map(NonZeroU32::get),
                none_healthy: cluster.when_none_healthy,
            },
            zone: cluster.prefer_zone.clone(),
            rebalance: cluster.rebalance,
            health: cluster.health.clone().map(Arc::new),
            metrics: cluster_metrics,
        })
    }

    /// Has `tasks` probe the endpoints that are written out, or follow whoever says which there are.
    pub(crate) fn start(self: &Arc<Self>, tasks: &Tasks, departures: &Departures) {
        for endpoint in self.endpoints().iter() {
            self.watch_endpoint(endpoint, tasks);
        }
        if let Some(discovery) = self.discovery.clone() {
            let (cluster, departures) = (Arc::clone(self), departures.clone());
            tasks.spawn(membership::follow(
                cluster,
                discovery,
                tasks.clone(),
                departures,
            ));
        }
    }

    /// Has `tasks` probe `endpoint` for as long as it is one of the cluster, if the cluster asks for
    /// that.
    pub(crate) fn watch_endpoint(self: &Arc<Self>, endpoint: &Arc<Endpoint>, tasks: &Tasks) {
        if let Some(health) = &self.health {
            let (cluster, endpoint) = (Arc::downgrade(self), Arc::downgrade(endpoint));
            let asking = Asking {
                speech: Speech::of(self, tasks),
                preface: introduction::of_the_gateway(self.proxy_protocol),
            };
            tasks.spawn(health::watch(cluster, endpoint, Arc::clone(health), asking));
        }
    }

    /// Whether `endpoint` is one of the cluster now.
    pub(crate) fn has(&self, endpoint: &Endpoint) -> bool {
        self.roster.load().has(endpoint)
    }

    /// Unique among the clusters.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Every endpoint that is there now, in the order in which they were told.
    #[must_use]
    pub fn endpoints(&self) -> Arc<[Arc<Endpoint>]> {
        Arc::clone(&self.roster.load().endpoints)
    }

    /// From now on these are its endpoints.
    pub(crate) fn adopt(&self, found: &[Found]) -> Changes {
        let (next, changes) = self.roster.load().next(&self.maker, found);
        self.metrics.endpoints(next.endpoints.len());
        self.metrics.discovered();
        self.roster.store(Arc::new(next));
        changes
    }

    /// Gives the endpoint of that name no new sessions until [`undrain`](Self::undrain), and says whether
    /// those that open are to go at once; `None` when there is none of that name.
    pub fn drain(&self, endpoint: &str, sessions: OnRemoved) -> Option<Arc<Endpoint>> {
        let endpoint = self.by_name(endpoint)?;
        endpoint.set_drained(true);
        if sessions == OnRemoved::Drain {
            endpoint.ask_to_go();
        }
        Some(endpoint)
    }

    /// Gives the endpoint of that name sessions again; `None` when there is none.
    pub fn undrain(&self, endpoint: &str) -> Option<Arc<Endpoint>> {
        let endpoint = self.by_name(endpoint)?;
        endpoint.set_drained(false);
        Some(endpoint)
    }

    fn by_name(&self, name: &str) -> Option<Arc<Endpoint>> {
        let endpoints = self.endpoints();
        let mut endpoints = endpoints.iter();
        endpoints
            .find(|endpoint| &**endpoint.name() == name)
            .cloned()
    }

    pub(crate) fn roster(&self) -> Arc<Roster> {
        self.roster.load_full()
    }

    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    pub(crate) fn balancer(&self) -> Balancer {
        self.balancer
    }

    pub(crate) fn discovery(&self) -> Option<&config::Discovery> {
        self.discovery.as_ref()
    }

    /// What happens to the sessions of an endpoint that leaves.
    #[must_use]
    pub fn on_removed(&self) -> OnRemoved {
        self.on_removed
    }

    /// Orders the endpoints for one handshake or request, best first; who may not have another
    /// session is passed over.
    ///
    /// With `affinity` the order is the affinity value's own, the same on every replica: by Maglev if
    /// that is the balancer, by rendezvous whatever else it is; who has their share (`bounded_load`) is
    /// put off. Without it the balancer alone decides, and a hashed balancer, having nothing to hash,
    /// takes `random`. Endpoints of the preferred zone go before the others of either order, and
    /// `preferred`, which an issued cookie named, before all: the rest is worked out, and a turn of round
    /// robin taken, only if that one does not serve.
    pub fn rank(
        self: &Arc<Self>,
        affinity: Option<Affinity>,
        preferred: Option<&Arc<Endpoint>>,
        random: u64,
    ) -> Ranking {
        let roster = self.roster();
        let order: Order = if preferred.is_some() {
            let (cluster, roster) = (Arc::clone(self), Arc::clone(&roster));
            let order = move || cluster.order(affinity, &roster, random);
            Box::new(iter::once_with(order).flatten())
        } else {
            self.order(affinity, &roster, random)
        };
        // A balancer keeps loads level by itself, but not where a zone goes first.
        let is_bounded = affinity.is_some() || self.zone.is_some();
        let rules = Rules {
            bound: self.rules.bound.filter(|_| is_bounded),
            ..self.rules
        };
        Ranking::new(roster, order, preferred, rules)
    }

    /// The endpoint that `token` names, if it is of this cluster and the token is genuine.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<Arc<Endpoint>> {
        self.roster
            .load()
            .endpoints
            .iter()
            .find(|endpoint| endpoint.token().matches(token.as_bytes()))
            .cloned()
    }

    /// What an issued cookie says for `endpoint`.
    #[must_use]
    pub fn token<'a>(&self, endpoint: &'a Endpoint) -> &'a str {
        endpoint.token().as_str()
    }

    /// Whether and how sessions are moved to endpoints that have come.
    #[must_use]
    pub fn rebalance(&self) -> Option<config::Rebalance> {
        self.rebalance
    }

    /// So many sessions were asked to come again.
    pub fn rebalanced(&self, sessions: usize) {
        self.metrics.rebalanced(sessions);
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// How the endpoints are spoken to in HTTP/2; `None`: they are not.
    pub(crate) fn http2(&self) -> Option<ClusterHttp2> {
        self.http2
    }

    /// What the targets of requests begin with, where they are whole.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.maker.tls {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        }
    }

    pub(crate) fn header_case(&self) -> HeaderCase {
        self.header_case
    }

    /// What each connection to an endpoint begins with.
    pub(crate) fn proxy_protocol(&self) -> SendProxy {
        self.proxy_protocol
    }

    /// How many endpoints are tried at most.
    pub(crate) fn attempts(&self) -> usize {
        usize::try_from(self.retries)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }

    pub(crate) fn retry_budget(&self) -> &RetryBudget {
        &self.retry_budget
    }

    pub(crate) fn metrics(&self) -> &ClusterMetrics {
        &self.metrics
    }

    /// The affinity value's order, or without one the balancer's.
    fn order(&self, affinity: Option<Affinity>, roster: &Arc<Roster>, random: u64) -> Order {
        match affinity {
            Some(affinity) => self.order_of(affinity, roster),
            None => self.near_first(self.balance(roster, random), roster),
        }
    }

    /// An affinity value's own order.
    pub(crate) fn order_of(&self, affinity: Affinity, roster: &Arc<Roster>) -> Order {
        let key = &self.maker.key;
        let order: Order = match &roster.table {
            Some(table) => Box::new(table.order(key, affinity)),
            None => Box::new(rendezvous::order(key, affinity, &roster.members)),
        };
        self.near_first(order, roster)
    }

    /// The same order, with the endpoints of the preferred zone, if there is one, before all others.
    fn near_first(&self, order: Order, roster: &Arc<Roster>) -> Order {
        match &self.zone {
            Some(zone) => zones::near_first(order, Arc::clone(roster), Arc::clone(zone)),
            None => order,
        }
    }

    /// The balancer's order when there is no affinity value.
    fn balance(&self, roster: &Roster, random: u64) -> Order {
        let members = &*roster.warm_members(Instant::now());
        match self.balancer {
            Balancer::Rendezvous | Balancer::Maglev | Balancer::Random => {
                Box::new(random::order(random, members))
            }
            Balancer::LeastSessions => {
                let load = |index| {
                    let endpoint: Option<&Arc<Endpoint>> = roster.endpoints.get(index);
                    endpoint.map_or(0, |endpoint| endpoint.load().into())
                };
                let order = least_sessions::order(random, members, load);
                Box::new(order.collect::<Vec<_>>().into_iter())
            }
            Balancer::RoundRobin => {
                let cursor = self.cursor.fetch_add(1, Ordering::Relaxed);
                Box::new(round_robin::order(cursor, members))
            }
        }
    }
}

fn warn_of_no_verification(cluster: &str) {
    tracing::warn!(
        cluster,
        "dangerously_skip_verification is on: whoever answers at an endpoint's address is taken for it, \
         and can read and change everything"
    );
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.name)
            .field("endpoints", &self.endpoints())
            .field("balancer", &self.balancer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
