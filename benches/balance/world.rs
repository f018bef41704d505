//! What is simulated: endpoints, those of them that leave and join, and whose sessions there are.

use std::num::NonZeroU32;

use switchyard_balance::{Affinity, HashKey, Member};

use crate::chance::Chance;

/// Sessions of every world, all at the same time.
pub(crate) const SESSIONS: usize = 1_000_000;

/// Rooms where keys are popular. The first has 8 % of all sessions.
const ROOMS: u32 = 100_000;

/// Who decides where a session goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Balancer {
    Rendezvous,
    Maglev,
    LeastSessions,
    RoundRobin,
    Random,
}

impl Balancer {
    pub(crate) const KEYED: [Self; 2] = [Self::Rendezvous, Self::Maglev];
    pub(crate) const ALL: [Self; 5] = [
        Self::Rendezvous,
        Self::Maglev,
        Self::LeastSessions,
        Self::RoundRobin,
        Self::Random,
    ];

    /// Whether the key alone gives the order.
    pub(crate) fn is_keyed(self) -> bool {
        Self::KEYED.contains(&self)
    }

    /// As in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rendezvous => "rendezvous",
            Self::Maglev => "maglev",
            Self::LeastSessions => "least_sessions",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
        }
    }
}

/// One cluster and its sessions.
pub(crate) struct World {
    pub(crate) title: &'static str,
    pub(crate) balancers: &'static [Balancer],
    /// Everybody; the last is not there before it joins.
    pub(crate) endpoints: Vec<Member>,
    /// Who leaves and comes back.
    pub(crate) leaver: usize,
    /// The hash of each key.
    pub(crate) affinities: Vec<Affinity>,
    /// The key of each session.
    pub(crate) keys: Vec<u32>,
}

impl World {
    /// A key for each session, as many endpoints of the same weight.
    pub(crate) fn even(
        title: &'static str,
        endpoints: usize,
        balancers: &'static [Balancer],
    ) -> Self {
        let users = 0..u32::try_from(SESSIONS).unwrap_or(u32::MAX);
        let affinity = |user: u32| HashKey::PUBLIC.affinity("cookie:user", &user.to_le_bytes());
        Self {
            title,
            balancers,
            endpoints: members(&vec![1; endpoints + 1]),
            leaver: endpoints / 2,
            affinities: users.clone().map(affinity).collect(),
            keys: users.collect(),
        }
    }

    /// Twenty endpoints, and rooms of which some are popular.
    pub(crate) fn popular(title: &'static str) -> Self {
        let affinity = |room| HashKey::PUBLIC.affinity("path:room", format!("{room}").as_bytes());
        Self {
            affinities: (0..ROOMS).map(affinity).collect(),
            keys: Chance::new(1).zipf(ROOMS, SESSIONS),
            ..Self::even(title, 20, &Balancer::KEYED)
        }
    }

    /// Four endpoints of which some are stronger; one of weight 2 leaves, and one of weight 2 joins.
    pub(crate) fn weighted(title: &'static str) -> Self {
        Self {
            endpoints: members(&[1, 1, 2, 4, 2]),
            leaver: 2,
            ..Self::even(title, 4, &Balancer::ALL)
        }
    }
}

fn members(weights: &[u32]) -> Vec<Member> {
    let member = |(number, weight): (usize, &u32)| {
        let name = format!("10.0.{}.{}:9000", number / 250, number % 250);
        let weight = NonZeroU32::new(*weight).unwrap_or(NonZeroU32::MIN);
        Member::new(&HashKey::PUBLIC, &name, weight)
    };
    weights.iter().enumerate().map(member).collect()
}
