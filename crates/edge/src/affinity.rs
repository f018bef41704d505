//! Which cluster and which endpoints a request should go to, so that it meets the sessions it
//! belongs to.
//!
//! The route's sources are asked in order; the first that the request has decides. An empty value
//! counts as absent: it would herd every client without one onto the same endpoint.

mod value;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use switchyard_balance::{Affinity, HashKey};
use switchyard_config::AffinitySource;
use switchyard_upstream::{Cluster, Endpoint};

use crate::cookies;
use crate::issued_cookie::IssuedCookie;
use crate::query::{self, Plus};
use crate::route::{Route, Source, Split, ValueSource};
use crate::routes::Captures;

pub(crate) use value::Value;

/// Where a request's affinity value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// What the route's path template captured.
    pub captures: &'a Captures<'a>,
    /// The request's header fields.
    pub headers: &'a HeaderMap,
    /// The request's query.
    pub query: Option<&'a str>,
    /// Whose request it is; an IPv4 address is never written as an IPv6 one here.
    pub client: IpAddr,
}

/// What the route's sources come to for one request.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    /// This value, from this source.
    Value(&'a ValueSource, Value<'a>),
    /// The issued cookie names this endpoint of this cluster.
    Named(&'a Arc<Cluster>, Arc<Endpoint>),
    /// The request has none of them.
    Nothing,
}

/// A decision, and the cookie that was looked for on the way to it.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    /// What was decided.
    pub decision: Decision<'a>,
    /// The issued cookie, where no source before it decided.
    pub cookie: Option<&'a Arc<IssuedCookie>>,
}

/// Asks the sources of `route` in order.
pub(crate) fn decide<'a>(route: &'a Route, places: &Places<'a>) -> Choice<'a> {
    let mut cookie = None;
    for source in &route.affinity {
        let found = match source {
            Source::Value(source) => {
                find(&source.place, places).map(|value| Decision::Value(source, value))
            }
            Source::Issued(issued) => {
                cookie = Some(issued);
                named(&route.split, issued, places.headers)
            }
        };
        if let Some(decision) = found {
            return Choice { decision, cookie };
        }
    }
    let decision = Decision::Nothing;
    Choice { decision, cookie }
}

fn find<'a>(source: &AffinitySource, places: &Places<'a>) -> Option<Value<'a>> {
    let bytes = match source {
        AffinitySource::Path(name) => query::decode(places.captures.get(name)?, Plus::IsPlus),
        AffinitySource::Cookie(name) => Cow::Borrowed(cookies::find(places.headers, name)?),
        AffinitySource::Header(name) => Cow::Borrowed(places.headers.get(name)?.as_bytes()),
        AffinitySource::Query(name) => query::find(places.query?, name)?,
        AffinitySource::ClientAddress(bits) => return Some(Value::network(places.client, *bits)),
        AffinitySource::IssuedCookie(_) => return None,
    };
    (!bytes.is_empty()).then_some(Value::Bytes(bytes))
}

/// The cookie's endpoint, in whichever cluster of the split knows it: who was sent to the smaller
/// share once stays there.
fn named<'a>(split: &'a Split, cookie: &IssuedCookie, headers: &HeaderMap) -> Option<Decision<'a>> {
    let token = std::str::from_utf8(cookies::find(headers, cookie.name())?).ok()?;
    split.clusters.iter().find_map(|cluster| {
        let endpoint = cluster.by_token(token)?;
        Some(Decision::Named(cluster, endpoint))
    })
}

impl Decision<'_> {
    /// What the clusters and endpoints are ordered by.
    pub(crate) fn affinity(&self, key: &HashKey) -> Option<Affinity> {
        match self {
            Self::Value(source, value) => Some(value.affinity(key, &source.label)),
            Self::Named(..) | Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests;
