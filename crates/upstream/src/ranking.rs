//! The order in which a cluster's endpoints are tried for one request.
//!
//! Not here: how the order comes about (`balance`), and how far down it anyone goes (`attempts`).

use std::fmt;
use std::sync::Arc;

use crate::endpoint::Endpoint;

/// Indices of a cluster's endpoints, best first, each once; worked out as far as it is asked for.
pub(crate) type Order = Box<dyn Iterator<Item = usize> + Send>;

/// All endpoints of a cluster, best first, each once.
pub struct Ranking {
    endpoints: Arc<[Arc<Endpoint>]>,
    order: Order,
    preferred: Preferred,
}

/// The endpoint that goes before the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preferred {
    None,
    Due(usize),
    Done(usize),
}

impl Ranking {
    /// A `preferred` endpoint that is not among `endpoints` is ignored: it has left the cluster.
    pub(crate) fn new(
        endpoints: Arc<[Arc<Endpoint>]>,
        order: Order,
        preferred: Option<&Arc<Endpoint>>,
    ) -> Self {
        let position = preferred.and_then(|preferred| {
            endpoints
                .iter()
                .position(|endpoint| endpoint.name() == preferred.name())
        });
        Self {
            endpoints,
            order,
            preferred: position.map_or(Preferred::None, Preferred::Due),
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
}

impl Iterator for Ranking {
    type Item = Arc<Endpoint>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next_index()?;
        self.endpoints.get(index).cloned()
    }
}

impl fmt::Debug for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranking")
            .field("preferred", &self.preferred)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rig, settings};

    fn endpoints(count: u16) -> Arc<[Arc<Endpoint>]> {
        let addresses: Vec<_> = (1..=count)
            .map(|port| ([127, 0, 0, 1], port).into())
            .collect();
        Arc::from(Rig::new().cluster(settings(&addresses)).endpoints())
    }

    fn ports(ranking: Ranking) -> Vec<u16> {
        ranking.map(|endpoint| endpoint.address().port()).collect()
    }

    #[test]
    fn without_a_preference_the_order_stands() {
        let ranking = Ranking::new(endpoints(4), Box::new([2, 0, 3, 1].into_iter()), None);
        assert_eq!(ports(ranking), [3, 1, 4, 2]);
    }

    #[test]
    fn a_preferred_endpoint_goes_first_and_comes_once() {
        let endpoints = endpoints(4);
        for (preferred, expected) in [(2, [3, 1, 4, 2]), (3, [4, 3, 1, 2]), (1, [2, 3, 1, 4])] {
            let order = Box::new([2, 0, 3, 1].into_iter());
            let ranking = Ranking::new(Arc::clone(&endpoints), order, Some(&endpoints[preferred]));
            assert_eq!(ports(ranking), expected);
        }
    }

    #[test]
    fn a_preferred_endpoint_that_left_is_ignored() {
        let left = &endpoints(3)[2];
        let ranking = Ranking::new(endpoints(2), Box::new(0..2), Some(left));
        assert_eq!(ports(ranking), [1, 2]);
    }
}
