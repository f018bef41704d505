//! One immutable, complete runtime configuration.
//!
//! A request loads it once and is answered under it to the end; a session keeps the `Arc` of the
//! route that it was admitted under.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use arcstr::ArcStr;
use http::header::{HeaderName, InvalidHeaderName, InvalidHeaderValue};
use ipnet::IpNet;
use switchyard_balance::HashKey;
use switchyard_config::{self as config, Config, HeaderCase, SendProxy};
use switchyard_drain::Tasks;
use switchyard_proto::{Close, CloseCode};
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::route::RouteMetrics;
use switchyard_upstream::{ClusterError, Clusters};

use crate::listener::ListenerSettings;
use crate::route::Route;
use crate::routes::RouteTable;

/// The snapshot in use; the only one of its kind, so that no request sees half of two.
pub type SnapshotCell = ArcSwap<Snapshot>;

/// The route label of requests that took no route. A route cannot have this name.
const UNROUTED: &str = "-";

/// What requests are answered under.
pub struct Snapshot {
    pub(crate) routes: RouteTable<Arc<Route>>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) key: HashKey,
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) unrouted: RouteMetrics,
    /// What sessions are told whose endpoint left before they opened, or whose place is gone.
    pub(crate) farewell: Close,
    /// The routes by name.
    named: HashMap<ArcStr, Arc<Route>>,
    /// In the order of the configuration.
    listeners: Vec<Arc<ListenerSettings>>,
    /// Parameters of the query whose values the access log may show.
    pub(crate) shown: Vec<String>,
    /// Channels that a session may have.
    pub(crate) channels_per_session: usize,
    /// Whether any channel keeps what is published.
    pub(crate) keeps_history: bool,
    /// What tells endpoints the name of a session.
    pub(crate) session_header: Option<HeaderName>,
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
        route: ArcStr,
        /// The missing cluster's name.
        cluster: ArcStr,
    },
    /// What a listener is to show its clients cannot be used.
    #[error("listener `{listener}` cannot end TLS: {source}")]
    Tls {
        /// The listener's name.
        listener: ArcStr,
        /// Which file is wrong, and how.
        source: switchyard_tls::Error,
    },
    /// What a cluster trusts or shows its endpoints cannot be used.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A route asks for a header whose name is none, or endpoints are to be told one.
    #[error("there is a header that cannot exist")]
    HeaderName(#[from] InvalidHeaderName),
    /// An allowed origin cannot be the value of a header.
    #[error("an allowed origin cannot be the value of a header")]
    Origin(#[from] InvalidHeaderValue),
}

impl Snapshot {
    /// Puts together what `config` describes, counting into `metrics`. What is the same in `former` is
    /// taken from there; nothing comes of it before this is in use.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn new(
        config: &Config,
        metrics: &Metrics,
        former: Option<&Self>,
    ) -> Result<Self, SnapshotError> {
        let key = hash_key(config);
        let none = Clusters::default();
        let clusters = former.map_or(&none, |former| &former.clusters);
        let clusters = Clusters::new(&config.clusters, &key, metrics, clusters)?;
        let routes = routes(config, &clusters, metrics)?;
        let matches = config.routes.iter().map(|route| route.matches.clone());
        Ok(Self {
            routes: RouteTable::new(matches.zip(routes.iter().cloned()))?,
            named: routes.into_iter().map(|it| (it.name.clone(), it)).collect(),
            trusted_proxies: config.trusted_proxies.clone(),
            key,
            listeners: listeners(config, metrics, former)?,
            clusters: Arc::new(clusters),
            unrouted: metrics.route(UNROUTED),
            farewell: farewell(&config.drain.close),
            shown: shown(config),
            channels_per_session: config.push.channels_per_session,
            keeps_history: !config.push.history.is_empty(),
            session_header: session_header(config)?,
            header_case: header_case(config),
            telling: telling(config),
        })
    }

    /// How each listener receives its clients, in the order of the configuration.
    pub fn listeners(&self) -> &[Arc<ListenerSettings>] {
        &self.listeners
    }

    /// The same of the listener of that name.
    pub fn listener(&self, name: &str) -> Option<&Arc<ListenerSettings>> {
        self.listeners
            .iter()
            .find(|listener| &*listener.name == name)
    }

    /// The route of that name.
    pub(crate) fn route(&self, name: &str) -> Option<&Arc<Route>> {
        self.named.get(name)
    }

    /// Every cluster, whether a route leads there or not.
    pub fn clusters(&self) -> &Arc<Clusters> {
        &self.clusters
    }

    /// Every route, in the order in which they are tried.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.targets()
    }

    /// It is in use from now on in place of `former`: `tasks` follow what becomes of the files of its
    /// listeners' TLS. What changes in them is used for the handshakes from then on.
    pub fn follow_files(&self, former: Option<&Self>, tasks: &Tasks) {
        let tls_of = |snapshot: Option<&Self>, name: &str| snapshot?.listener(name)?.tls.clone();
        for listener in former.into_iter().flat_map(Self::listeners) {
            let next = tls_of(Some(self), &listener.name);
            if let Some(tls) = &listener.tls
                && !next.as_ref().is_some_and(|next| Arc::ptr_eq(next, tls))
            {
                tls.retire(next.as_deref());
            }
        }
        for listener in &self.listeners {
            let before = tls_of(former, &listener.name);
            if let Some(tls) = &listener.tls
                && !before.is_some_and(|before| Arc::ptr_eq(&before, tls))
            {
                tls.follow_files(tasks);
            }
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

fn shown(config: &Config) -> Vec<String> {
    let access = config.log.access.as_ref();
    access.map_or_else(Vec::new, |access| access.query_values.clone())
}

fn session_header(config: &Config) -> Result<Option<HeaderName>, InvalidHeaderName> {
    let name = config.push.session_header.as_deref();
    name.map(|name| HeaderName::from_bytes(name.as_bytes()))
        .transpose()
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

fn routes(
    config: &Config,
    clusters: &Clusters,
    metrics: &Metrics,
) -> Result<Vec<Arc<Route>>, SnapshotError> {
    let routes = config.routes.iter();
    routes
        .map(|route| Route::new(route, clusters, metrics).map(Arc::new))
        .collect()
}

fn listeners(
    config: &Config,
    metrics: &Metrics,
    former: Option<&Snapshot>,
) -> Result<Vec<Arc<ListenerSettings>>, SnapshotError> {
    let settings = |listener: &config::Listener| {
        let former = former.and_then(|former| former.listener(&listener.name));
        let settings = ListenerSettings::new(listener, metrics, former.map(Arc::as_ref));
        settings.map(Arc::new).map_err(|source| SnapshotError::Tls {
            listener: listener.name.clone(),
            source,
        })
    };
    config.listeners.iter().map(settings).collect()
}

/// The configuration has checked both.
fn farewell(close: &config::DrainClose) -> Close {
    let code = CloseCode::new(close.code);
    Close::new(code, &close.reason).unwrap_or_else(|_| code.into())
}

fn header_case(config: &Config) -> HeaderCase {
    let preserves = |cluster: &config::Cluster| cluster.header_case == HeaderCase::Preserve;
    if config.clusters.iter().any(preserves) {
        HeaderCase::Preserve
    } else {
        HeaderCase::Lower
    }
}
