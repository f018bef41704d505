//! A named group of interchangeable endpoints, and how one is found for a request.

use std::fmt;
use std::iter;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use arcstr::ArcStr;
use http::uri::Scheme;
use switchyard_balance::bounded::Bound;
use switchyard_balance::{Affinity, HashKey, least_sessions, random, rendezvous, round_robin};
use switchyard_config::{
    self as config, Balancer, ClusterHttp2, HeaderCase, OnRemoved, SendProxy, Trust,
};
use switchyard_discovery::{Found, Stance};
use switchyard_drain::{Retirement, Tasks};
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::cluster::ClusterMetrics;

use crate::endpoint::Endpoint;
use crate::first_answer::{self, FirstAnswer};
use crate::health::{self, Asking, Speech};
use crate::introduction;
use crate::membership::{self, Departures, Source};
use crate::ranking::{Order, Ranking, Rules};
use crate::retry_budget::RetryBudget;
use crate::roster::{Changes, Maker, Roster};
use crate::sources;
use crate::zones;

/// A named group of interchangeable endpoints and their policy.
///
/// Under other settings it is another value, which the endpoints of the one before go over to.
pub struct Cluster {
    settings: config::Cluster,
    roster: ArcSwap<Roster>,
    pub(crate) maker: Maker,
    /// Where round robin is; shared by all workers.
    cursor: AtomicU64,
    retry_budget: RetryBudget,
    rules: Rules,
    metrics: ClusterMetrics,
    retirement: Retirement,
    first_answer: FirstAnswer,
}

impl Cluster {
    /// Reads what is in the files of its certificates; all else has been checked. The endpoints of
    /// `former` are its own, too, until it is started. Nothing comes of it before that.
    pub(crate) fn new(
        settings: &config::Cluster,
        key: &HashKey,
        metrics: &Metrics,
        former: Option<&Self>,
    ) -> Result<Self, switchyard_tls::Error> {
        let maker = Maker::new(settings, key, metrics, former.map(Self::made_by))?;
        let roster = match former {
            Some(former) => former.roster().under(&maker, &former.maker),
            None => Roster::new(&maker, &settings.endpoints),
        };
        Ok(Self {
            roster: ArcSwap::from_pointee(roster),
            cursor: AtomicU64::new(0),
            retry_budget: RetryBudget::new(settings.retry_budget, Instant::now()),
            rules: Rules {
                bound: settings.bounded_load.map(Bound::from_hundredths),
                max_sessions: settings.max_sessions_per_endpoint.map(NonZeroU32::get),
                none_healthy: settings.when_none_healthy,
            },
            metrics: metrics.cluster(&settings.name),
            retirement: Retirement::default(),
            first_answer: former.map_or_else(
                || FirstAnswer::of(settings),
                |former| former.first_answer.clone(),
            ),
            settings: settings.clone(),
            maker,
        })
    }

    fn made_by(&self) -> (&config::Cluster, &Maker) {
        (&self.settings, &self.maker)
    }

    /// Whether another of these settings would be the same.
    pub(crate) fn is_of(&self, settings: &config::Cluster, key: &HashKey) -> bool {
        self.settings == *settings && self.maker.key == *key
    }

    /// Has `tasks` do what is done for the cluster while it is in use: probe its endpoints, and follow
    /// whoever says which there are. Those that are written out are its endpoints from now on.
    pub(crate) fn start(self: &Arc<Self>, tasks: &Tasks, departures: &Departures) {
        self.settle_in();
        if !first_answer::is_required(&self.settings) {
            self.first_answer.give();
        }
        for endpoint in self.endpoints().iter() {
            endpoint.settle_in(&self.maker);
            self.watch_endpoint(endpoint, tasks);
        }
        let source = match self.settings.discovery.clone() {
            Some(discovery) => Source::Discovery(discovery),
            None => Source::Written(self.settings.endpoints.iter().map(found).collect()),
        };
        let (cluster, departures) = (Arc::clone(self), departures.clone());
        let following = membership::follow(cluster, source, tasks.clone(), departures);
        self.while_in_use(tasks, following);
    }

    /// Tells what there is to be told of its settings.
    fn settle_in(&self) {
        let name = self.name();
        let tls = self.settings.tls.as_ref();
        let is_unverified = tls.is_some_and(|tls| tls.trust == Trust::Anyone);
        sources::try_out(name, &self.settings.source_addresses);
        self.metrics.endpoints(self.endpoints().len());
        self.metrics.tls_unverified(is_unverified);
        if is_unverified {
            warn_of_no_verification(name);
        }
    }

    /// It is not in use any more: nothing is done for it from now on. Its sessions go on.
    pub(crate) fn retire(&self) {
        self.retirement.begin();
    }

    /// Has `tasks` do `work` until it is done or the cluster is not in use any more.
    pub fn while_in_use(&self, tasks: &Tasks, work: impl Future<Output = ()> + Send + 'static) {
        self.retirement.spawn_until(tasks, work);
    }

    /// Has `tasks` probe `endpoint` for as long as it is one of the cluster, if the cluster asks for
    /// that.
    pub(crate) fn watch_endpoint(self: &Arc<Self>, endpoint: &Arc<Endpoint>, tasks: &Tasks) {
        if let Some(health) = &self.settings.health {
            let (cluster, endpoint) = (Arc::downgrade(self), Arc::downgrade(endpoint));
            let health = Arc::new(health.clone());
            let asking = Asking {
                speech: Speech::of(self, tasks),
                preface: introduction::of_the_gateway(self.settings.proxy_protocol),
            };
            self.while_in_use(tasks, health::watch(cluster, endpoint, health, asking));
        }
    }

    /// Whether whoever is asked for its endpoints has answered yet, in this process.
    #[must_use]
    pub fn first_answer(&self) -> &FirstAnswer {
        &self.first_answer
    }

    /// Whether `endpoint` is one of the cluster now.
    pub(crate) fn has(&self, endpoint: &Endpoint) -> bool {
        self.roster.load().has(endpoint)
    }

    /// Unique among the clusters.
    #[must_use]
    pub fn name(&self) -> &ArcStr {
        &self.settings.name
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

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Endpoint>> {
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
        self.settings.balancer
    }

    pub(crate) fn discovery(&self) -> Option<&config::Discovery> {
        self.settings.discovery.as_ref()
    }

    /// What happens to the sessions of an endpoint that leaves.
    #[must_use]
    pub fn on_removed(&self) -> OnRemoved {
        self.settings.on_removed
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
        let is_bounded = affinity.is_some() || self.settings.prefer_zone.is_some();
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
        self.settings.rebalance
    }

    /// So many sessions were asked to come again.
    pub fn rebalanced(&self, sessions: usize) {
        self.metrics.rebalanced(sessions);
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.settings.connect_timeout
    }

    /// How the endpoints are spoken to in HTTP/2; `None`: they are not.
    pub(crate) fn http2(&self) -> Option<ClusterHttp2> {
        self.settings.http2
    }

    /// What the targets of requests begin with, where they are whole.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.maker.tls {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        }
    }

    pub(crate) fn header_case(&self) -> HeaderCase {
        self.settings.header_case
    }

    /// What each connection to an endpoint begins with.
    pub(crate) fn proxy_protocol(&self) -> SendProxy {
        self.settings.proxy_protocol
    }

    /// How many endpoints are tried at most.
    pub(crate) fn attempts(&self) -> usize {
        usize::try_from(self.settings.retries)
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
        match &self.settings.prefer_zone {
            Some(zone) => zones::near_first(order, Arc::clone(roster), zone.clone()),
            None => order,
        }
    }

    /// The balancer's order when there is no affinity value.
    fn balance(&self, roster: &Roster, random: u64) -> Order {
        let members = &*roster.warm_members(Instant::now());
        match self.settings.balancer {
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
            .field("name", &self.settings.name)
            .field("endpoints", &self.endpoints())
            .field("balancer", &self.settings.balancer)
            .finish_non_exhaustive()
    }
}

/// A written endpoint, as if it had been found.
fn found(endpoint: &config::Endpoint) -> Found {
    Found {
        address: endpoint.address,
        name: None,
        weight: endpoint.weight,
        zone: endpoint.zone.clone(),
        stance: Stance::Ready,
    }
}

#[cfg(test)]
mod tests;
