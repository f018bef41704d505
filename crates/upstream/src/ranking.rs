//! The order in which a cluster's endpoints are tried for one request.
//!
//! Not here: how the order comes about (`balance`), and how far down it anyone goes (`attempts`).

use std::sync::Arc;
use std::vec;

use crate::endpoint::Endpoint;

/// All endpoints of a cluster, best first, each once.
#[derive(Debug)]
pub struct Ranking {
    endpoints: Arc<[Arc<Endpoint>]>,
    order: vec::IntoIter<usize>,
}

impl Ranking {
    /// `order` holds every index of `endpoints` once. A `preferred` one that is not among them is
    /// ignored: it has left the cluster.
    pub(crate) fn new(
        endpoints: Arc<[Arc<Endpoint>]>,
        mut order: Vec<usize>,
        preferred: Option<&Arc<Endpoint>>,
    ) -> Self {
        let is_preferred = |index: &usize| {
            let endpoint = endpoints.get(*index);
            endpoint
                .zip(preferred)
                .is_some_and(|(one, other)| one.name() == other.name())
        };
        if let Some(position) = order.iter().position(is_preferred)
            && let Some(before) = order.get_mut(..=position)
        {
            before.rotate_right(1);
        }
        Self {
            endpoints,
            order: order.into_iter(),
        }
    }
}

impl Iterator for Ranking {
    type Item = Arc<Endpoint>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.order.next()?;
        self.endpoints.get(index).cloned()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.order.size_hint()
    }
}

impl ExactSizeIterator for Ranking {}
