//! A connection's place: among those that its listener admits, and among those of its worker.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use switchyard_telemetry::{Served, WorkerLoad};

use crate::listener::Shared;

/// How many connections a listener has, over all workers.
#[derive(Debug, Default)]
pub(crate) struct Room {
    taken: AtomicU32,
}

impl Room {
    /// Whether there is one more, of so many that may be.
    fn enter(&self, max: u32) -> bool {
        let one_more = |taken| (taken < max).then_some(taken + 1);
        self.taken
            .try_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
    }

    fn leave(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Held until the connection ends.
pub(crate) struct Seat {
    listener: Arc<Shared>,
    served: Served,
}

impl Seat {
    /// A seat at a worker with this load; `None` where the listener is full.
    pub(crate) fn take(listener: &Arc<Shared>, worker: &WorkerLoad) -> Option<Self> {
        let max = listener.settings.load().max_connections;
        if !listener.room.enter(max) {
            return None;
        }
        listener.metrics.opened();
        Some(Self {
            listener: Arc::clone(listener),
            served: worker.connection(),
        })
    }

    /// A seat for a connection that another process has accepted.
    pub(crate) fn take_over(listener: &Arc<Shared>, worker: &WorkerLoad) -> Option<Self> {
        let max = listener.settings.load().max_connections;
        if !listener.room.enter(max) {
            return None;
        }
        listener.metrics.taken_over();
        Some(Self {
            listener: Arc::clone(listener),
            served: worker.connection(),
        })
    }

    /// The same seat at another worker.
    pub(crate) fn moved(mut self, worker: &WorkerLoad) -> Self {
        drop(mem::replace(&mut self.served, worker.connection()));
        self
    }

    /// Where the connection came in.
    pub(crate) fn listener(&self) -> &Arc<Shared> {
        &self.listener
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.listener.metrics.closed();
        self.listener.room.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_as_many_seats_as_it_has() {
        let room = Room::default();
        assert!(room.enter(2) && room.enter(2));
        assert!(!room.enter(2));
        room.leave();
        assert!(room.enter(2));
        assert!(!room.enter(2));
        assert!(room.enter(3));
    }
}
