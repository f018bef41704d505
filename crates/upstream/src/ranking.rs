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
