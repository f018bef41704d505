//! Where a request goes, and how its answer tells the client to come back there.

use std::sync::Arc;

use http::HeaderMap;
use http::header::SET_COOKIE;
use switchyard_balance::{Affinity, HashKey};
use switchyard_relay::Tie;
use switchyard_telemetry::labels::AffinityResult;
use switchyard_upstream::{Cluster, Endpoint, Place, Ranking};

use crate::affinity::{self, Decision, Places};
use crate::issued_cookie::{IssuedCookie, Presented};
use crate::random::Random;
use crate::refusal::Refusal;
use crate::route::Route;

/// The cluster that serves a request, and the order in which its endpoints are tried.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) ranking: Ranking,
    pub(crate) grounds: Grounds,
}

/// What a selection was made by; the answer is held against it.
#[derive(Debug)]
pub(crate) struct Grounds {
    keyed: Keyed,
    affinity: Option<Affinity>,
    /// The endpoint that the client's cookie named.
    named: Option<Arc<Endpoint>>,
    cookie: Option<Arc<IssuedCookie>>,
}

/// Whether anything but the balancer chose the first endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keyed {
    Yes,
    No,
}

/// Chooses for one request. A cluster that `is_closed` is passed over, and nothing else changes: who is not
/// led there goes where they always go.
///
/// # Errors
/// The route leads to no cluster, or to none that is open.
pub(crate) fn select(
    route: &Route,
    key: &HashKey,
    places: &Places<'_>,
    random: &Random,
    is_closed: impl Fn(&str) -> bool,
) -> Result<Selection, Refusal> {
    let choice = affinity::decide(route, places);
    let affinity = choice.decision.affinity(key);
    let split = &route.split;
    let pick = |affinity| {
        let cluster = split.pick(key, affinity, random.next());
        let cluster = cluster.ok_or(Refusal::NoRoute)?;
        if !is_closed(cluster.name()) {
            return Ok(cluster);
        }
        let open = split.pick_open(key, affinity, random.next(), &is_closed);
        open.ok_or(Refusal::Drained)
    };
    let (cluster, named, keyed) = match choice.decision {
        Decision::Named(cluster, endpoint) if !is_closed(cluster.name()) => {
            (cluster, Some(endpoint), Keyed::Yes)
        }
        Decision::Named(..) | Decision::Nothing => (pick(None)?, None, Keyed::No),
        Decision::Value(..) => (pick(affinity)?, None, Keyed::Yes),
    };
    Ok(Selection {
        ranking: cluster.rank(affinity, named.as_ref(), random.next()),
        cluster: Arc::clone(cluster),
        grounds: Grounds {
            keyed,
            affinity,
            named,
            cookie: choice.cookie.cloned(),
        },
    })
}

impl Grounds {
    /// Where the request ended up, seen from where it should have.
    pub(crate) fn result(&self, place: Place) -> AffinityResult {
        match (self.keyed, place) {
            (Keyed::No, _) => AffinityResult::None,
            (Keyed::Yes, Place::Owner) => AffinityResult::Owner,
            (Keyed::Yes, Place::Overflow) => AffinityResult::Overflow,
            (Keyed::Yes, Place::Failover) => AffinityResult::Failover,
        }
    }

    /// What would lead the client here again.
    pub(crate) fn tie(&self) -> Tie {
        match (&self.cookie, self.affinity) {
            (Some(_), _) => Tie::Cookie,
            (None, Some(affinity)) => Tie::Value(affinity.to_bits()),
            (None, None) => Tie::Nothing,
        }
    }

    /// Has the client name `endpoint`, which answered, from here on.
    pub(crate) fn remember(&self, headers: &mut HeaderMap, cluster: &Cluster, endpoint: &Endpoint) {
        let Some(cookie) = &self.cookie else { return };
        let is_named = |named: &Arc<Endpoint>| named.name() == endpoint.name();
        let presented = match &self.named {
            Some(named) if is_named(named) => Presented::Right,
            Some(_) | None => Presented::Wrong,
        };
        if let Some(value) = cookie.answer(presented, cluster.token(endpoint)) {
            headers.append(SET_COOKIE, value);
        }
    }
}
