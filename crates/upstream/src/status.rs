//! What can be said of clusters and endpoints at one moment, for whoever looks from outside.

use std::time::Instant;

use arcstr::ArcStr;
use switchyard_config::{Balancer, Discovery};
use switchyard_discovery::Stance;

use crate::cluster::Cluster;
use crate::endpoint::Endpoint;
use crate::health::Health;
use crate::warmup::WHOLE;

/// A cluster as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterStatus {
    /// Its name.
    pub name: ArcStr,
    /// How its endpoints are ordered where there is no affinity.
    pub balancer: Balancer,
    /// Where they are looked up.
    pub discovery: Lookup,
    /// Each of them.
    pub endpoints: Vec<EndpointStatus>,
}

/// Where endpoints come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// They are written out.
    Static,
    /// From the DNS.
    Dns,
    /// From Kubernetes.
    Kubernetes,
}

/// An endpoint as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Its address.
    pub name: ArcStr,
    /// Its weight.
    pub weight: u32,
    /// Where it is.
    pub zone: Option<ArcStr>,
    /// Whether it gets new sessions, and why not.
    pub state: State,
    /// What probes say.
    pub health: Health,
    /// Sessions and handshakes under way.
    pub sessions: u32,
}

/// Whether an endpoint gets new sessions, and why not. The first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// An operator drains it.
    Draining,
    /// Discovery says that it is on its way out.
    Leaving,
    /// Probes say that it does not work.
    Unhealthy,
    /// It failed in use.
    Ejected,
    /// It has as many sessions as it may.
    Full,
    /// It starts slowly, and gets fewer than its share.
    WarmingUp,
    /// It does.
    Serving,
}

impl Cluster {
    /// How it is now.
    #[must_use]
    pub fn status(&self) -> ClusterStatus {
        let roster = self.roster();
        let endpoints = roster.endpoints.iter().zip(&roster.members);
        let endpoints = endpoints.zip(&roster.zones);
        ClusterStatus {
            name: self.name().clone(),
            balancer: self.balancer(),
            discovery: match self.discovery() {
                None => Lookup::Static,
                Some(Discovery::Dns(_)) => Lookup::Dns,
                Some(Discovery::Kubernetes(_)) => Lookup::Kubernetes,
            },
            endpoints: endpoints
                .map(|((endpoint, member), zone)| EndpointStatus {
                    name: endpoint.name().clone(),
                    weight: member.weight().get(),
                    zone: zone.clone(),
                    state: self.state(endpoint),
                    health: endpoint.health(),
                    sessions: endpoint.load(),
                })
                .collect(),
        }
    }

    fn state(&self, endpoint: &Endpoint) -> State {
        let now = Instant::now();
        if endpoint.is_drained() {
            State::Draining
        } else if endpoint.stance() == Stance::Leaving {
            State::Leaving
        } else if endpoint.health() == Health::Down {
            State::Unhealthy
        } else if endpoint.is_left_out(now) {
            State::Ejected
        } else if endpoint.is_full(self.rules().max_sessions) {
            State::Full
        } else if endpoint.warmth(now) < WHOLE {
            State::WarmingUp
        } else {
            State::Serving
        }
    }
}

impl Lookup {
    /// As it is said in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dns => "dns",
            Self::Kubernetes => "kubernetes",
        }
    }
}

impl State {
    /// As it is said in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Leaving => "leaving",
            Self::Unhealthy => "unhealthy",
            Self::Ejected => "ejected",
            Self::Full => "full",
            Self::WarmingUp => "warming_up",
            Self::Serving => "serving",
        }
    }
}
