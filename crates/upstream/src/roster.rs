//! Everyone in a cluster at one moment, and how endpoints come and go.
//!
//! An endpoint is known by its address. One that comes back while sessions of its former self still
//! run is the same endpoint again, with their load and its record.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arcstr::ArcStr;
use switchyard_balance::{HashKey, Member, maglev};
use switchyard_config::{self as config, Balancer, PendingHandshakes};
use switchyard_discovery::{Found, Stance};
use switchyard_telemetry::Metrics;

use crate::endpoint::Endpoint;
use crate::outlier::Outliers;
use crate::standing::Standing;
use crate::tls::Tls;
use crate::warmup::WHOLE;

/// Everyone in a cluster at one moment.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// In the order in which they were told.
    pub(crate) endpoints: Arc<[Arc<Endpoint>]>,
    /// The same as the balancers want them.
    pub(crate) members: Box<[Member]>,
    /// Where each of them is.
    pub(crate) zones: Box<[Option<ArcStr>]>,
    /// The sum of their weights.
    pub(crate) weight: u64,
    /// Who owns which affinity, where the balancer is Maglev.
    pub(crate) table: Option<maglev::Table>,
}

/// What makes the endpoints of one cluster.
pub(crate) struct Maker {
    pub(crate) cluster: ArcStr,
    pub(crate) key: HashKey,
    /// Whether rosters have a table.
    pub(crate) tabled: bool,
    pub(crate) sources: Vec<IpAddr>,
    /// How they are spoken to; `None`: nothing is encrypted.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) pending: Option<PendingHandshakes>,
    /// How long an endpoint warms up that comes to others.
    pub(crate) slow_start: Option<Duration>,
    /// Handshakes in flight and open sessions of all its endpoints.
    pub(crate) load: Arc<AtomicU32>,
    pub(crate) outliers: Option<Arc<Outliers>>,
    pub(crate) metrics: Metrics,
    /// Endpoints that have left and may still have sessions; the same under other settings.
    pub(crate) former: Arc<Mutex<Vec<Weak<Standing>>>>,
}

impl Maker {
    /// Makes the endpoints of a cluster of these settings. What was made for the same cluster under other
    /// settings is used where they do not differ in it.
    pub(crate) fn new(
        settings: &config::Cluster,
        key: &HashKey,
        metrics: &Metrics,
        former: Option<(&config::Cluster, &Self)>,
    ) -> Result<Self, switchyard_tls::Error> {
        let tls = match former {
            Some((was, made)) if was.tls == settings.tls => made.tls.clone(),
            _ => settings
                .tls
                .as_ref()
                .map(Tls::new)
                .transpose()?
                .map(Arc::new),
        };
        let outliers = match former {
            Some((was, made)) if was.outlier == settings.outlier => made.outliers.clone(),
            _ => settings.outlier.clone().map(Outliers::new).map(Arc::new),
        };
        Ok(Self {
            cluster: settings.name.clone(),
            key: key.clone(),
            tabled: settings.balancer == Balancer::Maglev,
            sources: settings.source_addresses.clone(),
            tls,
            pending: settings.pending_handshakes,
            slow_start: settings.slow_start,
            load: former
                .map(|(_, made)| Arc::clone(&made.load))
                .unwrap_or_default(),
            outliers,
            metrics: metrics.clone(),
            former: former
                .map(|(_, made)| Arc::clone(&made.former))
                .unwrap_or_default(),
        })
    }
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
    pub(crate) fn new(maker: &Maker, written: &[config::Endpoint]) -> Self {
        let mut places = Places::default();
        for it in written {
            let endpoint = Arc::new(Endpoint::new(maker, it.address, None));
            places.add(maker, endpoint, it.weight, it.zone.clone());
        }
        Self::default().with(maker, places)
    }

    /// The same one, of the cluster that `maker` makes endpoints for; `former` made these. Nothing comes
    /// of it until it is in use.
    pub(crate) fn under(&self, maker: &Maker, former: &Maker) -> Self {
        let mut places = Places::default();
        let weights = self.members.iter().map(Member::weight);
        let places_now = weights.zip(self.zones.iter());
        for (endpoint, (weight, zone)) in self.endpoints.iter().zip(places_now) {
            let endpoint = Arc::new(endpoint.under(maker, former));
            places.add(maker, endpoint, weight, zone.clone());
        }
        self.with(maker, places)
    }

    /// The one that follows this one, now that these were found.
    pub(crate) fn next(&self, maker: &Maker, found: &[Found]) -> (Self, Changes) {
        let mut changes = Changes::default();
        let mut places = Places::default();
        for found in found {
            let known = self.by_address(found.address);
            let called = found.name.as_deref();
            let endpoint = known
                .or_else(|| maker.former(found.address))
                .inspect(|it| it.is_called(maker, called))
                .unwrap_or_else(|| Arc::new(Endpoint::new(maker, found.address, called)));
            changes.note(self, &endpoint, found.stance);
            endpoint.set_stance(found.stance);
            places.add(maker, endpoint, found.weight, found.zone.clone());
        }
        if !self.endpoints.is_empty() {
            changes.joined.iter().for_each(|it| it.warm_up());
        }
        let next = self.with(maker, places);
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
    fn with(&self, maker: &Maker, places: Places) -> Self {
        let Places {
            endpoints,
            members,
            zones,
        } = places;
        if let Some(outliers) = &maker.outliers {
            outliers.judge_among(endpoints.len());
        }
        let kept = self.table.clone().filter(|_| *self.members == *members);
        let table = || kept.unwrap_or_else(|| maglev::Table::new(&maker.key, &members));
        Self {
            endpoints: endpoints.into(),
            zones: zones.into(),
            weight: members.iter().map(|it| u64::from(it.weight().get())).sum(),
            table: maker.tabled.then(table),
            members: members.into(),
        }
    }

    /// Whether the endpoint at `index` is in `zone`.
    pub(crate) fn is_in(&self, index: usize, zone: &str) -> bool {
        let own = self.zones.get(index).and_then(Option::as_deref);
        own == Some(zone)
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, endpoint: &Endpoint) -> bool {
        self.by_address(endpoint.address()).is_some()
    }

    /// Where `endpoint` is among them.
    pub(crate) fn position(&self, endpoint: &Endpoint) -> Option<usize> {
        let mut endpoints = self.endpoints.iter();
        endpoints.position(|it| it.address() == endpoint.address())
    }

    /// The weight of the endpoint at `index`, times how warm it is in thousandths.
    pub(crate) fn warm_weight(&self, index: usize, now: Instant) -> NonZeroU32 {
        let weight = self
            .members
            .get(index)
            .map_or(NonZeroU32::MIN, Member::weight);
        let warmth = self.endpoints.get(index).map_or(WHOLE, |it| it.warmth(now));
        weight.saturating_mul(warmth)
    }

    /// The sum of these for those of which `takes` is true.
    pub(crate) fn warm_weights(&self, now: Instant, takes: impl Fn(&Endpoint) -> bool) -> u64 {
        let endpoints = self.endpoints.iter().enumerate();
        endpoints
            .filter(|(_, endpoint)| takes(endpoint))
            .map(|(index, _)| u64::from(self.warm_weight(index, now).get()))
            .sum()
    }

    /// The members with the weights that they have now: as they are, unless one warms up.
    pub(crate) fn warm_members(&self, now: Instant) -> Cow<'_, [Member]> {
        if self.endpoints.iter().all(|it| it.warmth(now) == WHOLE) {
            return Cow::Borrowed(&self.members);
        }
        let members = self.members.iter().enumerate();
        members
            .map(|(index, member)| member.with_weight(self.warm_weight(index, now)))
            .collect()
    }

    fn by_address(&self, address: SocketAddr) -> Option<Arc<Endpoint>> {
        let mut endpoints = self.endpoints.iter();
        endpoints
            .find(|endpoint| endpoint.address() == address)
            .cloned()
    }
}

/// What a roster is made of, place by place.
#[derive(Default)]
struct Places {
    endpoints: Vec<Arc<Endpoint>>,
    members: Vec<Member>,
    zones: Vec<Option<ArcStr>>,
}

impl Places {
    fn add(
        &mut self,
        maker: &Maker,
        endpoint: Arc<Endpoint>,
        weight: NonZeroU32,
        zone: Option<ArcStr>,
    ) {
        let member = Member::new(&maker.key, endpoint.name(), weight);
        self.members.push(member);
        self.endpoints.push(endpoint);
        self.zones.push(zone);
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
    fn remember(&self, gone: &Arc<Endpoint>) {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|standing| standing.strong_count() > 0);
        former.push(Arc::downgrade(gone.standing()));
    }

    /// One that has sessions and was not found yet. It is taken for one that left.
    pub(crate) fn expected(&self, address: SocketAddr) -> Arc<Endpoint> {
        let endpoint = self.former(address);
        let endpoint = endpoint.unwrap_or_else(|| Arc::new(Endpoint::new(self, address, None)));
        self.remember(&endpoint);
        endpoint
    }

    /// Takes back who left and has not been forgotten.
    fn former(&self, address: SocketAddr) -> Option<Arc<Endpoint>> {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        let at = former.iter().position(|standing| {
            let standing = standing.upgrade();
            standing.is_some_and(|standing| standing.address == address)
        })?;
        let standing = former.swap_remove(at).upgrade()?;
        let again = Endpoint::again(self, standing);
        again.settle_in(self);
        Some(Arc::new(again))
    }
}

#[cfg(test)]
mod tests;
