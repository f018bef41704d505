//! What is counted for each frame: blocks of plain numbers, one a worker, route and protocol.
//!
//! A block has one writer, the worker's own thread, so that a count is a load and a store on a
//! cache line that nobody else writes. A scrape reads the blocks of all workers and sums them by
//! route. Blocks live as long as the metrics: sessions that ended stay in the sums.

mod block;
mod collector;
mod pings;
mod push;

pub use block::{CountedSession, RouteTraffic};
pub(super) use push::{LAG_BOUNDS, PublishedTotals};

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::Registry;

use crate::labels::Protocol;
use collector::TrafficCollector;

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

    /// Published messages, as the sessions of all workers got them.
    pub(super) fn published(&self) -> PublishedTotals {
        let mut totals = PublishedTotals::default();
        self.visit(|block| totals.add(block.traffic.published()));
        totals
    }

    /// Calls `visit` with every block of every worker.
    fn visit(&self, mut visit: impl FnMut(&Block)) {
        for worker in &*self.all.lock().unwrap_or_else(PoisonError::into_inner) {
            worker.lock().iter().for_each(&mut visit);
        }
    }
}

/// The traffic counts of one worker. Clones share them.
#[derive(Clone, Default)]
pub struct WorkerMetrics {
    blocks: Arc<Mutex<Vec<Block>>>,
}

/// What a block counts for.
struct Block {
    route: Box<str>,
    protocol: Protocol,
    traffic: Arc<RouteTraffic>,
}

impl WorkerMetrics {
    /// This worker's block for sessions of that protocol on the route of that name; the same one each
    /// time.
    ///
    /// It takes a lock and a search: call it once a route or a session, not once a frame.
    pub fn route(&self, name: &str, protocol: Protocol) -> Arc<RouteTraffic> {
        let mut blocks = self.lock();
        let is_it = |block: &&Block| *block.route == *name && block.protocol == protocol;
        if let Some(block) = blocks.iter().find(is_it) {
            return Arc::clone(&block.traffic);
        }
        let traffic = Arc::new(RouteTraffic::default());
        blocks.push(Block {
            route: name.into(),
            protocol,
            traffic: Arc::clone(&traffic),
        });
        traffic
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
