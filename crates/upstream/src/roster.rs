//! Everyone in a cluster at one moment, and how endpoints come and go.
//!
//! An endpoint is known by its address. One that comes back while sessions of its former self still
//! run is the same endpoint again, with their load and its record.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use switchyard_balance::{HashKey, Member, maglev};
use switchyard_discovery::{Found, Stance};
use switchyard_telemetry::Metrics;

use crate::endpoint::Endpoint;
use crate::outlier::Outliers;

/// Everyone in a cluster at one moment.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// In the order in which they were told.
    pub(crate) endpoints: Arc<[Arc<Endpoint>]>,
    /// The same as the balancers want them.
    pub(crate) members: Box<[Member]>,
    /// Who owns which affinity, where the balancer is Maglev.
    pub(crate) table: Option<maglev::Table>,
}

/// What makes the endpoints of one cluster.
pub(crate) struct Maker {
    pub(crate) cluster: Arc<str>,
    pub(crate) key: HashKey,
    /// Whether rosters have a table.
    pub(crate) tabled: bool,
    pub(crate) sources: Vec<IpAddr>,
    pub(crate) outliers: Option<Arc<Outliers>>,
    pub(crate) metrics: Metrics,
    /// Endpoints that have left and may still have sessions.
    pub(crate) former: Mutex<Vec<Weak<Endpoint>>>,
}

/// What one roster has that the one before it had not.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// They are new.
    pub(crate) joined: Vec<Arc<Endpoint>>,
    /// They want no more sessions, or are no longer there.
    pub(crate) left: Vec<Arc<Endpoint>>,
}

impl Roster {
    /// A first one.
    pub(crate) fn new(
        maker: &Maker,
        endpoints: impl Iterator<Item = (SocketAddr, NonZeroU32)>,
    ) -> Self {
        let (endpoints, members) = endpoints
            .map(|(address, weight)| maker.enlist(Arc::new(maker.endpoint(address)), weight))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        Self::default().with(maker, endpoints, members)
    }

    /// The one that follows this one, now that these were found.
    pub(crate) fn next(&self, maker: &Maker, found: &[Found]) -> (Self, Changes) {
        let mut changes = Changes::default();
        let mut endpoints = Vec::with_capacity(found.len());
        let mut members = Vec::with_capacity(found.len());
        for found in found {
            let known = self.by_address(found.address);
            let endpoint = known.or_else(|| maker.former(found.address));
            let endpoint = endpoint.unwrap_or_else(|| Arc::new(maker.endpoint(found.address)));
            changes.note(self, &endpoint, found.stance);
            endpoint.set_stance(found.stance);
            let (endpoint, member) = maker.enlist(endpoint, found.weight);
            endpoints.push(endpoint);
            members.push(member);
        }
        let next = self.with(maker, endpoints, members);
        for gone in self.endpoints.iter() {
            if next.by_address(gone.address()).is_none() {
                maker.remember(gone);
                if gone.stance() == Stance::Ready {
                    changes.left.push(Arc::clone(gone));
                }
                gone.set_stance(Stance::Leaving);
            }
        }
        (next, changes)
    }

    /// One with these in place of those of this one; the table is kept where it is of the same members.
    fn with(&self, maker: &Maker, endpoints: Vec<Arc<Endpoint>>, members: Vec<Member>) -> Self {
        if let Some(outliers) = &maker.outliers {
            outliers.judge_among(endpoints.len());
        }
        let kept = self.table.clone().filter(|_| *self.members == *members);
        let table = || kept.unwrap_or_else(|| maglev::Table::new(&maker.key, &members));
        Self {
            endpoints: endpoints.into(),
            table: maker.tabled.then(table),
            members: members.into(),
        }
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, endpoint: &Endpoint) -> bool {
        self.by_address(endpoint.address()).is_some()
    }

    fn by_address(&self, address: SocketAddr) -> Option<Arc<Endpoint>> {
        let mut endpoints = self.endpoints.iter();
        endpoints
            .find(|endpoint| endpoint.address() == address)
            .cloned()
    }
}

impl Changes {
    /// `endpoint` has this stance from now on.
    fn note(&mut self, before: &Roster, endpoint: &Arc<Endpoint>, stance: Stance) {
        let was_there = before.has(endpoint);
        if !was_there {
            self.joined.push(Arc::clone(endpoint));
        }
        if was_there && stance == Stance::Leaving && endpoint.stance() == Stance::Ready {
            self.left.push(Arc::clone(endpoint));
        }
    }
}

impl Maker {
    fn endpoint(&self, address: SocketAddr) -> Endpoint {
        Endpoint::new(
            &self.cluster,
            address,
            &self.sources,
            &self.key,
            self.outliers.clone(),
            &self.metrics,
        )
    }

    fn enlist(&self, endpoint: Arc<Endpoint>, weight: NonZeroU32) -> (Arc<Endpoint>, Member) {
        let member = Member::new(&self.key, endpoint.name(), weight);
        (endpoint, member)
    }

    fn remember(&self, gone: &Arc<Endpoint>) {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|endpoint| endpoint.strong_count() > 0);
        former.push(Arc::downgrade(gone));
    }

    /// Takes back who left and has not been forgotten.
    fn former(&self, address: SocketAddr) -> Option<Arc<Endpoint>> {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        let at = former.iter().position(|endpoint| {
            let endpoint = endpoint.upgrade();
            endpoint.is_some_and(|endpoint| endpoint.address() == address)
        })?;
        former.swap_remove(at).upgrade()
    }
}

#[cfg(test)]
mod tests;
