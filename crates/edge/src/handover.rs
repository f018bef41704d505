//! Keeps the workers level: who has clearly more connections than another hands the next one over.
//!
//! The system spreads connections over the workers' sockets by a hash. That evens out over many short
//! ones; of a few hundred that stay for hours, chance gives one worker far more than another, and it
//! stays so. The place to mend it is before the first byte is read: later a session belongs to its
//! worker.
//!
//! Not here: what is done with a connection. Sessions that are open are not moved.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchyard_telemetry::{Metrics, WorkerLoad};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::seat::Seat;

/// Connections that may be on their way to one worker; with more, who accepted them keeps them.
const WAITING: usize = 1_024;

/// How many connections more than another a worker has to have for a hand-over, at least. A hand-over
/// wakes another thread, which does not pay for a difference that the next close evens out.
const FEW: u64 = 4;

/// The same as a share of its own connections: one in this many.
const SHARE: u64 = 16;

/// An accepted connection on its way to the worker that is to serve it.
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) seat: Seat,
}

/// One worker's view of all.
pub struct Handover {
    own: WorkerLoad,
    workers: Arc<[Colleague]>,
    /// Whom to compare with next.
    turn: AtomicUsize,
}

/// What reaches a worker from the others.
pub struct Inbox {
    pub(crate) accepted: mpsc::Receiver<Accepted>,
}

/// A worker as the others see it.
pub(crate) struct Colleague {
    pub(crate) load: WorkerLoad,
    inbox: mpsc::Sender<Accepted>,
}

impl Handover {
    /// Introduces `workers` to one another: in their order, each one's view and its inbox.
    pub fn among(workers: usize, metrics: &Metrics) -> Vec<(Self, Inbox)> {
        let (colleagues, inboxes): (Vec<_>, Vec<_>) = (0..workers)
            .map(|index| Colleague::new(metrics.worker_load(index)))
            .unzip();
        let workers: Arc<[Colleague]> = colleagues.into();
        let view = |own: &Colleague| Self {
            own: own.load.clone(),
            workers: Arc::clone(&workers),
            turn: AtomicUsize::new(0),
        };
        workers.iter().map(view).zip(inboxes).collect()
    }

    /// This worker's own connections.
    pub(crate) fn own(&self) -> &WorkerLoad {
        &self.own
    }

    /// A worker with clearly fewer connections than this one. It compares with one other at a time,
    /// so that many workers cost no more than two.
    pub(crate) fn relief(&self) -> Option<&Colleague> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let other = self.workers.get(turn.checked_rem(self.workers.len())?)?;
        let own = self.own.connections();
        (own > other.load.connections() + FEW + own / SHARE).then_some(other)
    }

    /// Gives a connection away, or gives it back if there is no room for it.
    pub(crate) fn give(&self, to: &Colleague, accepted: Accepted) -> Result<(), Accepted> {
        match to.inbox.try_send(accepted) {
            Ok(()) => {
                self.own.handed_over();
                Ok(())
            }
            Err(TrySendError::Full(accepted) | TrySendError::Closed(accepted)) => Err(accepted),
        }
    }
}

impl Colleague {
    fn new(load: WorkerLoad) -> (Self, Inbox) {
        let (inbox, accepted) = mpsc::channel(WAITING);
        (Self { load, inbox }, Inbox { accepted })
    }
}
