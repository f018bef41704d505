//! Kept-alive connections of plain HTTP, one pool a worker.
//!
//! A connection is in the pool only while it is idle: it is taken out for a request and put back when
//! the answer's body has been read. Sessions never come here.

use std::collections::HashMap;
use std::iter;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use switchyard_config::HeaderCase;
use switchyard_drain::Tasks;
use tokio::sync::Notify;
use tokio::task;
use tokio::time::{self, Instant};

use crate::body::Body;
use crate::tls::Id;

/// How long a connection may be idle. Below the 5 s after which Node and uvicorn close theirs: a
/// request that crosses the endpoint's FIN fails, and may not be sent again.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Idle connections a worker keeps to one endpoint; more are closed after their answer.
pub(crate) const MAX_IDLE: usize = 32;

/// Connections with the same key are interchangeable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) address: SocketAddr,
    pub(crate) case: HeaderCase,
    /// Two clusters may trust an address for different reasons.
    pub(crate) security: Option<Id>,
}

/// The idle connections of one worker.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    tasks: Tasks,
}

#[derive(Debug, Default)]
struct Shared {
    idle: Mutex<Idle>,
    closed: Notify,
}

#[derive(Debug, Default)]
struct Idle {
    connections: HashMap<Key, Vec<Resting>>,
    sweeper: Sweeper,
    gate: Gate,
}

/// Whether the task that closes connections past their time runs; it does while there is one.
#[derive(Debug, Default, PartialEq, Eq)]
enum Sweeper {
    #[default]
    Asleep,
    Awake,
}

/// Whether connections are kept at all.
#[derive(Debug, Default, PartialEq, Eq)]
enum Gate {
    #[default]
    Open,
    Closed,
}

/// One idle connection.
#[derive(Debug)]
struct Resting {
    sender: SendRequest<Body>,
    until: Instant,
}

impl Pool {
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self {
            shared: Arc::default(),
            tasks,
        }
    }

    /// The connection that was used last, so that the surplus ages out.
    ///
    /// The runtime is given a turn to look at its sockets: a connection that the endpoint has closed
    /// by now is then known to be, and gives a request back instead of losing it.
    pub(crate) async fn take(&self, key: Key) -> Option<SendRequest<Body>> {
        let taken = self.shared.lock().take(key)?;
        task::yield_now().await;
        Some(taken)
    }

    /// Puts the connection back once it can take another request, or lets it go.
    pub(crate) fn put_back(&self, key: Key, mut sender: SendRequest<Body>) {
        if sender.is_ready() {
            return self.shared.keep(&self.tasks, key, sender);
        }
        let shared = Arc::clone(&self.shared);
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move {
            if sender.ready().await.is_ok() {
                shared.keep(&tasks, key, sender);
            }
        });
    }

    /// Closes what is idle, and keeps nothing from here on.
    pub(crate) fn close(&self) {
        let mut idle = self.shared.lock();
        idle.gate = Gate::Closed;
        idle.connections.clear();
        self.shared.closed.notify_one();
    }
}

impl Shared {
    /// The lock is held for a few instructions and never across an await.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(self: &Arc<Self>, tasks: &Tasks, key: Key, sender: SendRequest<Body>) {
        let mut idle = self.lock();
        if idle.gate == Gate::Closed {
            return;
        }
        idle.put(
            key,
            Resting {
                sender,
                until: Instant::now() + IDLE_TIMEOUT,
            },
        );
        if idle.sweeper == Sweeper::Asleep {
            idle.sweeper = Sweeper::Awake;
            tasks.spawn(Arc::clone(self).sweep());
        }
    }

    /// Closes connections when their time is up, until there is none left.
    async fn sweep(self: Arc<Self>) {
        while let Some(next) = self.expire() {
            tokio::select! {
                () = time::sleep_until(next) => {}
                () = self.closed.notified() => {}
            }
        }
    }

    /// Closes what is past its time; when to look again, or `None` when the sweeper may end.
    fn expire(&self) -> Option<Instant> {
        let mut idle = self.lock();
        let next = idle.expire(Instant::now());
        if next.is_none() {
            idle.sweeper = Sweeper::Asleep;
        }
        next
    }
}

impl Idle {
    fn take(&mut self, key: Key) -> Option<SendRequest<Body>> {
        let resting = self.connections.get_mut(&key)?;
        iter::from_fn(|| resting.pop())
            .map(|last| last.sender)
            .find(SendRequest::is_ready)
    }

    fn put(&mut self, key: Key, connection: Resting) {
        let resting = self.connections.entry(key).or_default();
        resting.retain(|connection| !connection.sender.is_closed());
        if resting.len() < MAX_IDLE {
            resting.push(connection);
        }
    }

    fn expire(&mut self, now: Instant) -> Option<Instant> {
        self.connections.retain(|_, resting| {
            resting.retain(|connection| connection.until > now);
            !resting.is_empty()
        });
        self.connections
            .values()
            .flatten()
            .map(|connection| connection.until)
            .min()
    }
}

#[cfg(test)]
mod tests;
