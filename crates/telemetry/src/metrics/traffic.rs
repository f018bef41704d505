//! What is counted for each frame: blocks of plain numbers, one a worker and route.
//!
//! A block has one writer, the worker's own thread, so that a count is a load and a store on a
//! cache line that nobody else writes. A scrape reads the blocks of all workers and sums them by
//! route. Blocks live as long as the metrics: sessions that ended stay in the sums.

mod block;
mod collector;

pub use block::{CountedSession, RouteTraffic};

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::Registry;

use collector::TrafficCollector;

/// The protocol of the client's connection, as a label: handshakes come over HTTP/1.1.
pub(super) const PROTOCOL: &str = "h1";

/// The blocks of every worker there has been.
#[derive(Clone, Default)]
pub(super) struct Workers {
    all: Arc<Mutex<Vec<WorkerMetrics>>>,
}

impl Workers {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let workers = Self::default();
        registry.register(Box::new(TrafficCollector::new(workers.clone())?))?;
        Ok(workers)
    }

    pub(super) fn worker(&self) -> WorkerMetrics {
        let worker = WorkerMetrics::default();
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(worker.clone());
        worker
    }

    /// Calls `visit` with every block of every worker.
    fn visit(&self, mut visit: impl FnMut(&str, &RouteTraffic)) {
        for worker in &*self.all.lock().unwrap_or_else(PoisonError::into_inner) {
            for (route, traffic) in &*worker.lock() {
                visit(route, traffic);
            }
        }
    }
}

/// The traffic counts of one worker. Clones share them.
#[derive(Clone, Default)]
pub struct WorkerMetrics {
    routes: Arc<Mutex<Blocks>>,
}

type Blocks = Vec<(Arc<str>, Arc<RouteTraffic>)>;

impl WorkerMetrics {
    /// This worker's block for the route of that name; the same one each time.
    ///
    /// It takes a lock and a search: call it once a route or a session, not once a frame.
    pub fn route(&self, name: &str) -> Arc<RouteTraffic> {
        let mut routes = self.lock();
        if let Some((_, traffic)) = routes.iter().find(|(route, _)| **route == *name) {
            return Arc::clone(traffic);
        }
        let traffic = Arc::new(RouteTraffic::default());
        routes.push((name.into(), Arc::clone(&traffic)));
        traffic
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
