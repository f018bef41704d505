//! One immutable, complete runtime configuration.
//!
//! A request loads it once and is answered under it to the end; a session keeps the `Arc` of the
//! route that it was admitted under.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::{InvalidHeaderName, InvalidHeaderValue};
use ipnet::IpNet;
use switchyard_balance::HashKey;
use switchyard_config::{self as config, Config, HeaderCase, SendProxy};
use switchyard_drain::Tasks;
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::route::RouteMetrics;
use switchyard_upstream::{ClusterError, Clusters};

use crate::route::Route;
use crate::routes::RouteTable;
use crate::tls::{self, TlsListeners};

/// The snapshot in use; the only one of its kind, so that no request sees half of two.
pub type SnapshotCell = ArcSwap<Snapshot>;

/// The route label of requests that took no route. A route cannot have this name.
const UNROUTED: &str = "-";

/// What requests are answered under.
pub struct Snapshot {
    pub(crate) routes: RouteTable<Arc<Route>>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) key: HashKey,
    pub(crate) listeners: Vec<(Arc<str>, SocketAddr)>,
    pub(crate) tls: TlsListeners,
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) unrouted: RouteMetrics,
    header_case: HeaderCase,
    telling: Telling,
}

/// Whether any cluster's endpoints are told from where to where a client's connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    Some,
    None,
}

/// Why a configuration gives no snapshot. What is in the files of certificates is looked at here
/// first; everything else was checked before, and always gives one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A route leads to a cluster that does not exist.
    #[error("route {route} leads to cluster {cluster}, which does not exist")]
    NoCluster {
        /// The route's name.
        route: Arc<str>,
        /// The missing cluster's name.
        cluster: Arc<str>,
    },
    /// What a listener is to show its clients cannot be used.
    #[error("listener `{listener}` cannot end TLS: {source}")]
    Tls {
        /// The listener's name.
        listener: Arc<str>,
        /// Which file is wrong, and how.
        source: switchyard_tls::Error,
    },
    /// What a cluster trusts or shows its endpoints cannot be used.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A route asks for a header whose name is none.
    #[error("a route asks for a header that cannot exist")]
    HeaderName(#[from] InvalidHeaderName),
    /// An allowed origin cannot be the value of a header.
    #[error("an allowed origin cannot be the value of a header")]
    Origin(#[from] InvalidHeaderValue),
}

impl Snapshot {
    /// Puts together what `config` describes, counting into `metrics`.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn new(config: &Config, metrics: &Metrics) -> Result<Self, SnapshotError> {
        let key = hash_key(config);
        let clusters = Clusters::new(&config.clusters, &key, metrics)?;
        let mut routes = Vec::with_capacity(config.routes.len());
        for route in &config.routes {
            routes.push((
                route.matches.clone(),
                Arc::new(Route::new(route, &clusters, metrics)?),
            ));
        }
        Ok(Self {
            routes: RouteTable::new(routes)?,
            trusted_proxies: config.trusted_proxies.clone(),
            key,
            listeners: config.listeners.iter().map(listener).collect(),
            tls: tls::listeners(&config.listeners, metrics)?,
            clusters: Arc::new(clusters),
            unrouted: metrics.route(UNROUTED),
            header_case: header_case(config),
            telling: telling(config),
        })
    }

    /// Every cluster, whether a route leads there or not.
    pub fn clusters(&self) -> &Arc<Clusters> {
        &self.clusters
    }

    /// Has `tasks` follow what becomes of the files of the listeners' TLS: what changes is used for
    /// the handshakes from then on.
    pub fn follow_files(&self, tasks: &Tasks) {
        for tls in self.tls.values() {
            tls.follow_files(tasks);
        }
    }

    /// Whether any cluster wants header names as the client wrote them.
    pub(crate) fn keeps_header_case(&self) -> bool {
        self.header_case == HeaderCase::Preserve
    }

    /// Whether any cluster tells its endpoints the addresses of a client's connection.
    pub(crate) fn tells_addresses(&self) -> bool {
        self.telling == Telling::Some
    }
}

fn telling(config: &Config) -> Telling {
    let tells = |cluster: &config::Cluster| cluster.proxy_protocol != SendProxy::Off;
    if config.clusters.iter().any(tells) {
        Telling::Some
    } else {
        Telling::None
    }
}

fn hash_key(config: &Config) -> HashKey {
    match &config.affinity_key {
        Some(secret) => HashKey::derive(secret.expose()),
        None => HashKey::PUBLIC,
    }
}

fn listener(listener: &config::Listener) -> (Arc<str>, SocketAddr) {
    (Arc::clone(&listener.name), listener.address)
}

fn header_case(config: &Config) -> HeaderCase {
    let preserves = |cluster: &config::Cluster| cluster.header_case == HeaderCase::Preserve;
    if config.clusters.iter().any(preserves) {
        HeaderCase::Preserve
    } else {
        HeaderCase::Lower
    }
}
