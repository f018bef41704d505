//! The order in which a cluster's endpoints are tried for one request.
//!
//! The order comes from the key or from the balancer; who may not be given a session now is passed
//! over when it is their turn, so that what changes meanwhile is heeded.
//!
//! Not here: how the order comes about (`balance`), and how far down it anyone goes (`attempts`).

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use switchyard_config::NoneHealthy;

use crate::endpoint::Endpoint;

/// Indices of a cluster's endpoints, best first, each once; worked out as far as it is asked for.
pub(crate) type Order = Box<dyn Iterator<Item = usize> + Send>;

/// Which of the ranking an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first: the owner of the affinity value, where there is one.
    Owner,
    /// One further down, because those before it are full.
    Overflow,
    /// One further down, because one before it could not be reached or is left out.
    Failover,
}

/// Whose turn it is.
#[derive(Debug)]
pub struct Candidate {
    /// Who.
    pub endpoint: Arc<Endpoint>,
    /// Which of the ranking that is.
    pub place: Place,
}

/// Whom a cluster lets be given sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Leases that one endpoint may have.
    pub(crate) max_sessions: Option<u32>,
    /// What happens while all are left out.
    pub(crate) none_healthy: NoneHealthy,
}

impl Rules {
    /// Whether `endpoint` has as many sessions as it may.
    pub(crate) fn is_full(self, endpoint: &Endpoint) -> bool {
        self.max_sessions
            .is_some_and(|most| endpoint.load() >= most)
    }
}

/// Why a ranking had nobody to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nobody {
    /// The cluster is empty.
    Exists,
    /// All are full, or left out.
    HasRoom,
    /// All are left out.
    IsHealthy,
}

/// The endpoints of a cluster that may be given a session, best first, each once.
pub struct Ranking {
    endpoints: Arc<[Arc<Endpoint>]>,
    order: Order,
    preferred: Preferred,
    rules: Rules,
    /// Whether who is left out is passed over.
    heeds_health: bool,
    passed: Passed,
}

/// The endpoint that goes before the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preferred {
    None,
    Due(usize),
    Done(usize),
}

/// Who was passed over or tried so far.
#[derive(Debug, Clone, Copy, Default)]
struct Passed {
    tried: bool,
    full: bool,
    left_out: bool,
}

impl Ranking {
    /// A `preferred` endpoint that is not among `endpoints` is ignored: it has left the cluster.
    pub(crate) fn new(
        endpoints: Arc<[Arc<Endpoint>]>,
        order: Order,
        preferred: Option<&Arc<Endpoint>>,
        rules: Rules,
    ) -> Self {
        let position = preferred.and_then(|preferred| {
            endpoints
                .iter()
                .position(|endpoint| endpoint.name() == preferred.name())
        });
        let now = Instant::now();
        let is_left_out =
            |endpoint: &Arc<Endpoint>| !endpoint.wants_sessions() || endpoint.is_left_out(now);
        Self {
            heeds_health: rules.none_healthy == NoneHealthy::Refuse
                || !endpoints.iter().all(is_left_out),
            endpoints,
            order,
            preferred: position.map_or(Preferred::None, Preferred::Due),
            rules,
            passed: Passed::default(),
        }
    }

    /// The same for what is no session: an endpoint that may not have another one still answers plain
    /// requests, among them those of the sessions that it has.
    pub(crate) fn of_requests(mut self) -> Self {
        self.rules.max_sessions = None;
        self
    }

    /// Why nobody came.
    pub(crate) fn nobody(&self) -> Nobody {
        if self.passed.full {
            Nobody::HasRoom
        } else if self.passed.left_out {
            Nobody::IsHealthy
        } else {
            Nobody::Exists
        }
    }

    fn next_index(&mut self) -> Option<usize> {
        match self.preferred {
            Preferred::None => self.order.next(),
            Preferred::Due(index) => {
                self.preferred = Preferred::Done(index);
                Some(index)
            }
            Preferred::Done(done) => self.order.find(|index| *index != done),
        }
    }

    /// Whether `endpoint` has to be passed over.
    fn passes_over(&mut self, endpoint: &Endpoint) -> bool {
        let is_left_out =
            !endpoint.wants_sessions() || self.heeds_health && endpoint.is_left_out(Instant::now());
        let is_full = self.rules.is_full(endpoint);
        self.passed.left_out |= is_left_out;
        self.passed.full |= is_full && !is_left_out;
        is_left_out || is_full
    }

    fn place(&self) -> Place {
        if self.passed.tried || self.passed.left_out {
            Place::Failover
        } else if self.passed.full {
            Place::Overflow
        } else {
            Place::Owner
        }
    }
}

impl Iterator for Ranking {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        loop {
            let index = self.next_index()?;
            let endpoint = self.endpoints.get(index).cloned()?;
            if self.passes_over(&endpoint) {
                continue;
            }
            let place = self.place();
            self.passed.tried = true;
            return Some(Candidate { endpoint, place });
        }
    }
}

impl fmt::Debug for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranking")
            .field("preferred", &self.preferred)
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use switchyard_config as config;

    use super::*;
    use crate::outlier::End;
    use crate::testing::{Rig, settings};

    const RULES: Rules = Rules {
        max_sessions: None,
        none_healthy: NoneHealthy::TryAll,
    };

    /// Endpoints of which all may be ejected, each by one bad end.
    fn fragile(count: u16) -> Arc<[Arc<Endpoint>]> {
        let outlier = config::Outlier {
            consecutive_failures: NonZeroU32::MIN,
            close_codes: Vec::new(),
            eject_for: Duration::from_hours(1),
            max_ejected: 100,
        };
        let addresses: Vec<_> = (1..=count)
            .map(|port| ([127, 0, 0, 1], port).into())
            .collect();
        let cluster = Rig::new().cluster(config::Cluster {
            outlier: Some(outlier),
            ..settings(&addresses)
        });
        cluster.endpoints()
    }

    fn places(ranking: &mut Ranking) -> Vec<(u16, Place)> {
        ranking
            .map(|it| (it.endpoint.address().port(), it.place))
            .collect()
    }

    #[test]
    fn who_is_ejected_is_passed_over() {
        let endpoints = fragile(3);
        endpoints[0].lease().end(End::ByEndpoint(1006));
        let mut ranking = Ranking::new(Arc::clone(&endpoints), Box::new(0..3), None, RULES);
        let expected = [(2, Place::Failover), (3, Place::Failover)];
        assert_eq!(places(&mut ranking), expected);
        let order = Box::new(0..3);
        let mut ranking = Ranking::new(Arc::clone(&endpoints), order, Some(&endpoints[0]), RULES);
        assert_eq!(places(&mut ranking), expected);
        endpoints[1].lease().end(End::ByEndpoint(1006));
        let mut ranking = Ranking::new(Arc::clone(&endpoints), Box::new(0..3), None, RULES);
        assert_eq!(ranking.next().unwrap().place, Place::Failover);
        endpoints[2].lease().end(End::ByEndpoint(1006));
        assert!(ranking.next().is_none());
    }

    #[test]
    fn when_all_are_ejected_all_are_tried_or_none() {
        let endpoints = fragile(2);
        for endpoint in &*endpoints {
            endpoint.lease().end(End::ByEndpoint(1006));
        }
        let mut ranking = Ranking::new(Arc::clone(&endpoints), Box::new(0..2), None, RULES);
        let expected = [(1, Place::Owner), (2, Place::Failover)];
        assert_eq!(places(&mut ranking), expected);
        let rules = Rules {
            none_healthy: NoneHealthy::Refuse,
            ..RULES
        };
        let mut ranking = Ranking::new(endpoints, Box::new(0..2), None, rules);
        assert!(ranking.next().is_none());
        assert_eq!(ranking.nobody(), Nobody::IsHealthy);
    }

    #[test]
    fn who_is_full_overflows_to_the_next() {
        let endpoints = endpoints(3);
        let rules = Rules {
            max_sessions: Some(1),
            ..RULES
        };
        let _one = endpoints[0].lease();
        let mut ranking = Ranking::new(Arc::clone(&endpoints), Box::new(0..3), None, rules);
        let expected = [(2, Place::Overflow), (3, Place::Failover)];
        assert_eq!(places(&mut ranking), expected);
        let _others = [endpoints[1].lease(), endpoints[2].lease()];
        let mut ranking = Ranking::new(Arc::clone(&endpoints), Box::new(0..3), None, rules);
        assert!(ranking.next().is_none());
        assert_eq!(ranking.nobody(), Nobody::HasRoom);
        let requests = Ranking::new(endpoints, Box::new(0..3), None, rules).of_requests();
        assert_eq!(ports(requests), [1, 2, 3]);
    }

    #[test]
    fn in_an_empty_cluster_nobody_exists() {
        let mut ranking = Ranking::new(Arc::new([]), Box::new(0..0), None, RULES);
        assert!(ranking.next().is_none());
        assert_eq!(ranking.nobody(), Nobody::Exists);
    }

    fn endpoints(count: u16) -> Arc<[Arc<Endpoint>]> {
        let addresses: Vec<_> = (1..=count)
            .map(|port| ([127, 0, 0, 1], port).into())
            .collect();
        Rig::new().cluster(settings(&addresses)).endpoints()
    }

    fn ports(ranking: Ranking) -> Vec<u16> {
        ranking.map(|it| it.endpoint.address().port()).collect()
    }

    #[test]
    fn without_a_preference_the_order_stands() {
        let ranking = Ranking::new(
            endpoints(4),
            Box::new([2, 0, 3, 1].into_iter()),
            None,
            RULES,
        );
        assert_eq!(ports(ranking), [3, 1, 4, 2]);
    }

    #[test]
    fn a_preferred_endpoint_goes_first_and_comes_once() {
        let endpoints = endpoints(4);
        for (preferred, expected) in [(2, [3, 1, 4, 2]), (3, [4, 3, 1, 2]), (1, [2, 3, 1, 4])] {
            let order = Box::new([2, 0, 3, 1].into_iter());
            let ranking = Ranking::new(
                Arc::clone(&endpoints),
                order,
                Some(&endpoints[preferred]),
                RULES,
            );
            assert_eq!(ports(ranking), expected);
        }
    }

    #[test]
    fn a_preferred_endpoint_that_left_is_ignored() {
        let left = &endpoints(3)[2];
        let ranking = Ranking::new(endpoints(2), Box::new(0..2), Some(left), RULES);
        assert_eq!(ports(ranking), [1, 2]);
    }
}
