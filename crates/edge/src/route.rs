//! A route as the gateway works with it: its clusters resolved, its policy in the shape of use.

use std::sync::Arc;

use arcstr::ArcStr;
use http::HeaderValue;
use switchyard_balance::{Affinity, HashKey, split};
use switchyard_config as config;
use switchyard_config::{AffinitySource, ChannelTemplate};
use switchyard_proto::session::{Lifetime, Pings, Policy};
use switchyard_proto::{Close, CloseCode};
use switchyard_relay::RelayLimits;
use switchyard_telemetry::Metrics;
use switchyard_telemetry::metrics::route::RouteMetrics;
use switchyard_upstream::{Cluster, Clusters};

use crate::issued_cookie::IssuedCookie;
use crate::routes;
use crate::snapshot::SnapshotError;

/// A route and everything that its requests need.
pub struct Route {
    pub(crate) name: ArcStr,
    /// What it matches, for people.
    words: Box<str>,
    /// Without clusters, the gateway opens the sessions itself.
    pub(crate) split: Split,
    pub(crate) channels: Vec<ChannelTemplate>,
    pub(crate) affinity: Vec<Source>,
    pub(crate) origins: Option<Vec<HeaderValue>>,
    pub(crate) subprotocols: Option<Vec<Box<str>>>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) limits: RelayLimits,
    pub(crate) http: config::Http,
    pub(crate) metrics: Arc<RouteMetrics>,
}

/// The clusters of a route, each with its share.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) clusters: Vec<Arc<Cluster>>,
    pub(crate) weights: Vec<u32>,
}

/// Where a route looks for the value that keeps sessions on their endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A value that is hashed.
    Value(ValueSource),
    /// A cookie that names the endpoint.
    Issued(Arc<IssuedCookie>),
}

/// Where a value is, and what it is hashed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueSource {
    pub(crate) place: AffinitySource,
    /// Kind and name: `path:room`. The same value of two sources is two affinities.
    pub(crate) label: Box<str>,
}

impl Route {
    pub(crate) fn new(
        route: &config::Route,
        clusters: &Clusters,
        metrics: &Metrics,
    ) -> Result<Self, SnapshotError> {
        let websocket = &route.websocket;
        Ok(Self {
            name: route.name.clone(),
            words: routes::words(&route.matches).into(),
            split: Split::new(route, clusters)?,
            channels: route.channels.clone(),
            affinity: route.affinity.iter().map(Source::new).collect(),
            origins: websocket
                .allowed_origins
                .as_deref()
                .map(origins)
                .transpose()?,
            subprotocols: websocket.subprotocols.as_deref().map(subprotocols),
            policy: Arc::new(policy(websocket)),
            limits: RelayLimits {
                buffer_limit: websocket.buffer_limit,
            },
            http: route.http.clone(),
            metrics: Arc::new(metrics.route(&route.name)),
        })
    }

    /// The route's name in the configuration.
    pub fn name(&self) -> &ArcStr {
        &self.name
    }

    /// What it matches, in words for people.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether its sessions have no endpoint, and get nothing but what is published.
    pub fn is_push_only(&self) -> bool {
        self.split.clusters.is_empty()
    }

    /// The names of its clusters, each with its weight.
    pub fn shares(&self) -> impl Iterator<Item = (&ArcStr, u32)> {
        let names = self.split.clusters.iter().map(|cluster| cluster.name());
        names.zip(self.split.weights.iter().copied())
    }
}

impl Split {
    fn new(route: &config::Route, clusters: &Clusters) -> Result<Self, SnapshotError> {
        let find = |share: &config::Split| {
            clusters
                .get(&share.cluster)
                .cloned()
                .ok_or_else(|| SnapshotError::NoCluster {
                    route: route.name.clone(),
                    cluster: share.cluster.clone(),
                })
        };
        Ok(Self {
            clusters: route
                .target
                .clusters()
                .iter()
                .map(find)
                .collect::<Result<_, _>>()?,
            weights: route
                .target
                .clusters()
                .iter()
                .map(|share| share.weight.get())
                .collect(),
        })
    }
}

impl Split {
    /// The cluster of `affinity`, the same on every replica; without one, chance decides.
    pub(crate) fn pick(
        &self,
        key: &HashKey,
        affinity: Option<Affinity>,
        random: u64,
    ) -> Option<&Arc<Cluster>> {
        self.clusters
            .get(split::pick(key, affinity, random, &self.weights)?)
    }

    /// The same among the clusters that are not closed.
    pub(crate) fn pick_open(
        &self,
        key: &HashKey,
        affinity: Option<Affinity>,
        random: u64,
        is_closed: impl Fn(&str) -> bool,
    ) -> Option<&Arc<Cluster>> {
        let shares = self.clusters.iter().zip(&self.weights);
        let weight = |(cluster, weight): (&Arc<Cluster>, &u32)| {
            if is_closed(cluster.name()) {
                0
            } else {
                *weight
            }
        };
        let weights: Vec<_> = shares.map(weight).collect();
        self.clusters
            .get(split::pick(key, affinity, random, &weights)?)
    }
}

impl Source {
    fn new(source: &AffinitySource) -> Self {
        let label = match source {
            AffinitySource::IssuedCookie(cookie) => {
                return Self::Issued(Arc::new(IssuedCookie::new(cookie)));
            }
            AffinitySource::Path(name) => format!("path:{name}"),
            AffinitySource::Cookie(name) => format!("cookie:{name}"),
            AffinitySource::Header(name) => format!("header:{name}"),
            AffinitySource::Query(name) => format!("query:{name}"),
            AffinitySource::ClientAddress(_) => "client_address".to_owned(),
        };
        Self::Value(ValueSource {
            place: source.clone(),
            label: label.into_boxed_str(),
        })
    }
}

/// Browsers write an origin in lower case (RFC 6454 section 6.2).
fn origins(allowed: &[String]) -> Result<Vec<HeaderValue>, SnapshotError> {
    let lower = allowed.iter().map(|origin| origin.to_ascii_lowercase());
    Ok(lower.map(HeaderValue::try_from).collect::<Result<_, _>>()?)
}

fn subprotocols(allowed: &[String]) -> Vec<Box<str>> {
    allowed.iter().map(|name| name.as_str().into()).collect()
}

fn policy(websocket: &config::WebSocket) -> Policy {
    Policy {
        max_frame: websocket.max_frame,
        max_message: websocket.max_message,
        idle_timeout: websocket.idle_timeout,
        pings: websocket.pings.map(|pings| Pings {
            interval: pings.interval,
            timeout: pings.timeout,
        }),
        max_lifetime: websocket.max_lifetime.as_ref().map(lifetime),
        close_timeout: websocket.close_timeout,
    }
}

fn lifetime(limit: &config::MaxLifetime) -> Lifetime {
    let code = CloseCode::new(limit.code);
    Lifetime {
        after: limit.after,
        jitter: limit.jitter,
        // The configuration has checked both.
        close: Close::new(code, &limit.reason).unwrap_or_else(|_| code.into()),
    }
}
