//! What would become of a request, and why, without sending anything.
//!
//! It asks the same functions that serve requests, so it cannot say anything else than they do.

mod text;

use std::net::IpAddr;
use std::sync::Arc;

use arcstr::ArcStr;
use http::Request;
use switchyard_push::ChannelName;
use switchyard_upstream::Cluster;

use crate::affinity::{self, Choice, Decision, Places};
use crate::channels;
use crate::client_address::Client;
use crate::framing::Framing;
use crate::refusal::Refusal;
use crate::route::Route;
use crate::routes::{Captures, Mismatch};
use crate::snapshot::Snapshot;
use crate::vet::{self, Vetted, Violation};

/// What would become of a request. Its `Display` is meant for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The listener whose port the request names, if one does.
    pub listener: Option<ArcStr>,
    /// Whose request it is.
    pub client: IpAddr,
    /// What comes of it.
    pub verdict: Verdict,
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is refused before it is routed.
    Refused(Violation),
    /// It goes through the routes.
    Tried {
        /// Each route that was tried, in order, with what failed; the last may have matched.
        trials: Vec<(ArcStr, Result<(), Mismatch>)>,
        /// Where the match leads; `None` when no route matched.
        routed: Option<Routed>,
    },
}

/// Where a route leads a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The route's name.
    pub route: ArcStr,
    /// What its path template captured.
    pub captures: Vec<(String, String)>,
    /// What keeps the request on its endpoint.
    pub affinity: Affinity,
    /// What its session would be subscribed to, or why it is refused; its endpoint may name more.
    pub channels: Result<Vec<ChannelName>, String>,
    /// The clusters it may go to: one, unless chance decides; none where the route is `push_only`.
    pub destinations: Vec<Destination>,
}

/// What keeps a request on its endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affinity {
    /// A value, and the source that it is from, as in `path:room`.
    Value {
        /// Kind and name of the source.
        source: String,
        /// The value as text.
        value: String,
    },
    /// The issued cookie, which names the endpoint.
    Cookie {
        /// The cookie's name.
        name: String,
    },
    /// Nothing: the request has none of the route's sources, or the route has none.
    Nothing,
}

/// A cluster, and the order in which its endpoints would be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The cluster's name.
    pub cluster: ArcStr,
    /// Its weight among the destinations.
    pub weight: u32,
    /// The addresses of its endpoints.
    pub endpoints: Vec<ArcStr>,
    /// How much of their order is certain.
    pub order: Order,
}

/// How much of an order of endpoints is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// All of it, and every replica agrees.
    Fixed,
    /// The first; the balancer orders the others when it is asked.
    FirstFixed,
    /// None of it: the balancer orders them when it is asked.
    Open,
}

/// Says what would become of `request`, which has a `Host`, if `peer` sent it now.
pub fn explain<B>(snapshot: &Snapshot, request: &Request<B>, peer: IpAddr) -> Explanation {
    let client = Client::behind(peer, &snapshot.trusted_proxies, request.headers()).address;
    let vetted = match vet::vet(request, Framing::Plain) {
        Ok(vetted) => vetted,
        Err(violation) => {
            let verdict = Verdict::Refused(violation);
            return Explanation {
                listener: None,
                client,
                verdict,
            };
        }
    };
    Explanation {
        listener: listener(snapshot, request, &vetted),
        client,
        verdict: route(snapshot, request, &vetted, client),
    }
}

fn listener<B>(snapshot: &Snapshot, request: &Request<B>, vetted: &Vetted<'_>) -> Option<ArcStr> {
    let port = vetted
        .host
        .port()
        .unwrap_or_else(|| vet::default_port(request));
    let mut listeners = snapshot.listeners().iter();
    let found = listeners.find(|listener| listener.address.port() == port);
    found.map(|listener| listener.name.clone())
}

fn route<B>(
    snapshot: &Snapshot,
    request: &Request<B>,
    vetted: &Vetted<'_>,
    client: IpAddr,
) -> Verdict {
    let mut trials = Vec::new();
    let mut routed = None;
    for (route, trial) in snapshot
        .routes
        .trials(&vetted.host, &vetted.path, request.headers())
    {
        let found = trial.map(|found| {
            let places = Places {
                captures: &found.captures,
                headers: request.headers(),
                query: request.uri().query(),
                client,
            };
            routed = Some(lead(snapshot, route, &places));
        });
        trials.push((route.name.clone(), found));
        if routed.is_some() {
            break;
        }
    }
    Verdict::Tried { trials, routed }
}

fn lead(snapshot: &Snapshot, route: &Route, places: &Places<'_>) -> Routed {
    let choice = affinity::decide(route, places);
    Routed {
        route: route.name.clone(),
        captures: owned(places.captures),
        affinity: describe(&choice),
        channels: channels(snapshot, route, places),
        destinations: destinations(snapshot, route, &choice.decision),
    }
}

fn channels(
    snapshot: &Snapshot,
    route: &Route,
    places: &Places<'_>,
) -> Result<Vec<ChannelName>, String> {
    let most = snapshot.channels_per_session;
    let channels = match channels::of_request(&route.channels, places, most) {
        Ok(channels) if channels.is_empty() && route.is_push_only() => Err(Refusal::NoChannel),
        channels => channels,
    };
    channels.map_err(|refusal| format!("{refusal} ({})", refusal.status().as_u16()))
}

fn owned(captures: &Captures<'_>) -> Vec<(String, String)> {
    captures
        .iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

fn describe(choice: &Choice<'_>) -> Affinity {
    match (&choice.decision, choice.cookie) {
        (Decision::Value(source, value), _) => Affinity::Value {
            source: source.label.to_string(),
            value: value.to_string(),
        },
        (Decision::Named(..), Some(cookie)) => Affinity::Cookie {
            name: cookie.name().to_owned(),
        },
        (Decision::Named(..) | Decision::Nothing, _) => Affinity::Nothing,
    }
}

fn destinations(snapshot: &Snapshot, route: &Route, decision: &Decision<'_>) -> Vec<Destination> {
    let split = &route.split;
    let affinity = decision.affinity(&snapshot.key);
    match decision {
        Decision::Value(..) => {
            let cluster = split.pick(&snapshot.key, affinity, 0);
            let ranked = |cluster: &Arc<Cluster>| {
                let ranking = cluster.rank(affinity, None, 0);
                let names = ranking.map(|it| it.endpoint.name().clone());
                Destination::new(cluster, names, Order::Fixed)
            };
            cluster.map(ranked).into_iter().collect()
        }
        Decision::Named(cluster, endpoint) => {
            let first = std::iter::once(endpoint.name().clone());
            let others = names(cluster).filter(|name| name != endpoint.name());
            vec![Destination::new(
                cluster,
                first.chain(others),
                Order::FirstFixed,
            )]
        }
        Decision::Nothing => {
            let shares = split.clusters.iter().zip(&split.weights);
            shares
                .map(|(cluster, weight)| Destination {
                    weight: *weight,
                    ..Destination::new(cluster, names(cluster), Order::Open)
                })
                .collect()
        }
    }
}

fn names(cluster: &Cluster) -> impl Iterator<Item = ArcStr> + use<> {
    let endpoints = cluster.endpoints();
    let names: Vec<_> = endpoints
        .iter()
        .map(|endpoint| endpoint.name().clone())
        .collect();
    names.into_iter()
}

impl Destination {
    fn new(cluster: &Cluster, endpoints: impl Iterator<Item = ArcStr>, order: Order) -> Self {
        Self {
            cluster: cluster.name().clone(),
            weight: 1,
            endpoints: endpoints.collect(),
            order,
        }
    }
}

#[cfg(test)]
mod tests;
