//! The connections of HTTP/2 of one worker: where the next stream is opened.
//!
//! A stream goes on a connection that has room. Where none has, one more is made, by one handshake for
//! all that wait, up to the limit. A connection without a stream is closed after a while, and one that
//! its endpoint wants to end gets no more streams; those that it has go on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http2::SendRequest;
use switchyard_drain::{Presence, Tasks};
use tokio::sync;

use super::Ready;
use crate::body::Body;
use crate::pool::Key;

/// How long a connection is kept without a stream.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Connections {
    state: Arc<Mutex<State>>,
    tasks: Tasks,
}

#[derive(Debug, Default)]
struct State {
    slots: HashMap<Key, Arc<Slot>>,
    /// Whether connections are kept that have no stream.
    is_closed: bool,
}

/// The connections to one endpoint.
#[derive(Debug, Default)]
struct Slot {
    live: Mutex<Vec<Arc<Connection>>>,
    /// Held by who makes one more.
    making: sync::Mutex<()>,
}

/// A connection on which streams may be opened.
#[derive(Debug)]
struct Connection {
    ready: Ready,
    streams: Presence,
    most: u32,
    /// Somebody knows that it is to end.
    retired: sync::Notify,
}

/// Room for one stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room(Arc<Connection>);

/// Why there is no room.
#[derive(Debug)]
pub(crate) enum NoRoom<E> {
    /// All streams of all connections are taken.
    Full,
    /// One more connection could not be made.
    Failed(E),
}

/// How many there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) streams: u32,
}

impl Connections {
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self {
            state: Arc::default(),
            tasks,
        }
    }

    /// Finds room for a stream; `make` makes a connection where there is none, and what it gives beside
    /// that is run until the connection has ended.
    pub(crate) async fn room<E, D>(
        &self,
        key: Key,
        limits: Limits,
        make: impl Future<Output = Result<(Ready, D), E>>,
    ) -> Result<Room, NoRoom<E>>
    where
        D: Future<Output = hyper::Result<()>> + Send + 'static,
    {
        let slot = self.slot(key);
        if let Some(room) = slot.room() {
            return Ok(room);
        }
        let _making = slot.making.lock().await;
        // Who held it before may have made one.
        if let Some(room) = slot.room() {
            return Ok(room);
        }
        if slot.live().len() >= limits.connections {
            return Err(NoRoom::Full);
        }
        let (ready, driver) = make.await.map_err(NoRoom::Failed)?;
        let connection = Arc::new(Connection::new(ready, limits.streams));
        let room = connection.room().ok_or(NoRoom::Full)?;
        slot.live().push(Arc::clone(&connection));
        if lock(&self.state).is_closed {
            connection.retired.notify_one();
        }
        self.keep(key, connection, driver);
        Ok(room)
    }

    /// Runs a connection to its end. It is given no more streams before that when it has had none for
    /// long, or its endpoint wants to end it; without senders hyper ends it behind its last stream.
    fn keep<D>(&self, key: Key, connection: Arc<Connection>, driver: D)
    where
        D: Future<Output = hyper::Result<()>> + Send + 'static,
    {
        let state = Arc::clone(&self.state);
        self.tasks.spawn(async move {
            let mut driver = Box::pin(driver);
            tokio::select! {
                // How it ended is told to whoever has a stream.
                _ended = &mut driver => return State::forget(&state, key, &connection),
                () = connection.streams.nobody_for(IDLE_TIMEOUT) => {}
                () = connection.retired.notified() => {}
            }
            State::forget(&state, key, &connection);
            drop(connection);
            drop(driver.await);
        });
    }

    /// Gives the connection of `room` no more streams.
    pub(crate) fn retire(&self, key: Key, room: &Room) {
        State::forget(&self.state, key, &room.0);
        room.0.retired.notify_one();
    }

    /// Closes what is idle now, and keeps nothing without a stream from here on.
    pub(crate) fn close(&self) {
        let slots = {
            let mut state = lock(&self.state);
            state.is_closed = true;
            std::mem::take(&mut state.slots)
        };
        for slot in slots.into_values() {
            for connection in slot.live().drain(..) {
                connection.retired.notify_one();
            }
        }
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Arc::default();
        }
        Arc::clone(state.slots.entry(key).or_default())
    }
}

impl State {
    fn forget(state: &Mutex<Self>, key: Key, connection: &Arc<Connection>) {
        let mut state = lock(state);
        let Some(slot) = state.slots.get(&key) else {
            return;
        };
        let is_left = {
            let mut live = slot.live();
            live.retain(|other| !Arc::ptr_eq(other, connection));
            live.is_empty() && Arc::strong_count(slot) == 1
        };
        if is_left {
            state.slots.remove(&key);
        }
    }
}

impl Slot {
    fn live(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        lock(&self.live)
    }

    fn room(&self) -> Option<Room> {
        self.live().iter().find_map(Connection::room)
    }
}

impl Connection {
    fn new(ready: Ready, most: u32) -> Self {
        let most = most.min(ready.settings.max_concurrent_streams);
        Self {
            ready,
            streams: Presence::default(),
            most,
            retired: sync::Notify::new(),
        }
    }

    fn room(self: &Arc<Self>) -> Option<Room> {
        let has_room = !self.ready.sender.is_closed() && self.streams.try_enter(self.most);
        has_room.then(|| Room(Arc::clone(self)))
    }
}

impl Room {
    /// Sends on the connection.
    pub(crate) fn sender(&self) -> SendRequest<Body> {
        self.0.ready.sender.clone()
    }

    /// Whether WebSockets may be opened.
    pub(crate) fn has_extended_connect(&self) -> bool {
        self.0.ready.settings.extended_connect
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.streams.leave();
    }
}

/// The locks are held for a few instructions and never across an await.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
