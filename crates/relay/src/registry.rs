//! The sessions of one worker: who is there, and what they are all told.
//!
//! Locked when a session opens, leaves or sets an alarm, never while bytes flow.

use std::collections::BTreeMap;
use std::ops::{Bound, Deref};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use switchyard_proto::session::Cause;

use crate::clock::timekeeper::Timekeeper;
use crate::handle::Handle;
use crate::mailbox::Command;
use crate::session_info::{SessionId, SessionInfo};
use crate::walk::Walk;

/// The sessions of one worker. Clones are the same list.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    sessions: Mutex<Sessions>,
    timekeeper: Timekeeper,
}

#[derive(Default)]
struct Sessions {
    open: BTreeMap<SessionId, Handle>,
    /// What sessions that open from now on are told at once.
    standing: Option<Command>,
}

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        let inner = Inner {
            sessions: Mutex::default(),
            timekeeper: Timekeeper::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Puts a session on the list until the ticket is dropped. One that opens after a drain or a
    /// cut has begun is told so before anything else.
    pub fn open(&self, info: SessionInfo) -> Ticket {
        let handle = Handle::new(info);
        let mut sessions = self.sessions();
        if let Some(command) = sessions.standing.clone() {
            handle.tell(command);
        }
        sessions.open.insert(handle.info().id, handle.clone());
        Ticket {
            handle,
            registry: self.clone(),
            waker: None,
        }
    }

    /// How many sessions are open.
    pub fn len(&self) -> usize {
        self.sessions().open.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every open session, in the order of their names.
    pub fn handles(&self) -> Vec<Handle> {
        Walk::all(std::slice::from_ref(self)).collect()
    }

    /// The first `most` sessions whose names come after `after`.
    pub(crate) fn page(&self, after: SessionId, most: usize) -> Vec<Handle> {
        let sessions = self.sessions();
        let rest = (Bound::Excluded(after), Bound::Unbounded);
        let rest = sessions.open.range(rest);
        rest.take(most).map(|(_, handle)| handle.clone()).collect()
    }

    /// The session of that name, while it is open.
    pub fn get(&self, id: SessionId) -> Option<Handle> {
        self.sessions().open.get(&id).cloned()
    }

    /// Ends every session at once, and each that opens from now on.
    pub fn cut(&self, cause: Cause) {
        self.tell_later(Command::Cut(cause));
        for handle in self.handles() {
            handle.cut(cause);
        }
    }

    /// Wakes sessions whose deadlines have come. Never ends, and sleeps while there is none: run
    /// one on the worker, as long as the worker.
    pub async fn keep_time(self) {
        let ring = |id| {
            if let Some(handle) = self.get(id) {
                handle.ring();
            }
        };
        self.inner.timekeeper.run(ring).await;
    }

    /// Those that open from now on are told `command` without further ado.
    pub(crate) fn tell_later(&self, command: Command) {
        self.sessions().standing = Some(command);
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.inner
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

/// A session's place on the list; it leaves when this is dropped.
#[must_use = "the session is on the list while the ticket lives"]
pub struct Ticket {
    handle: Handle,
    registry: Registry,
    /// Whom the handle wakes.
    waker: Option<Waker>,
}

impl Ticket {
    /// Whether the session has something to look at: somebody rang, or this is the first call by
    /// this task. It is woken when somebody rings from now on.
    pub(crate) fn has_rung(&mut self, waker: &Waker) -> bool {
        if self
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            return self.handle.has_rung();
        }
        self.waker = Some(waker.clone());
        self.handle.listen(Some(waker.clone()));
        self.handle.has_rung();
        true
    }

    /// Has the session ring at `deadline` or a little later.
    pub(crate) fn set_alarm(&self, deadline: Instant) {
        self.registry.inner.timekeeper.set(self.info().id, deadline);
    }
}

impl Deref for Ticket {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.registry.sessions().open.remove(&self.handle.info().id);
        self.handle.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::testing::info;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waker() -> (Arc<Woken>, Waker) {
        let woken = Arc::new(Woken::default());
        (Arc::clone(&woken), Waker::from(woken))
    }

    #[test]
    fn a_session_is_on_the_list_while_its_ticket_lives() {
        let registry = Registry::new();
        let (first, second) = (registry.open(info()), registry.open(info()));
        let ids: Vec<_> = registry
            .handles()
            .iter()
            .map(|handle| handle.info().id)
            .collect();
        assert_eq!(ids, [first.info().id, second.info().id]);
        assert!(registry.get(ids[0]).is_some());
        drop(first);
        assert!(registry.get(ids[0]).is_none());
        assert_eq!(registry.len(), 1);
        drop(second);
        assert!(registry.is_empty());
    }

    #[test]
    fn every_ring_wakes_and_no_waker_is_kept_afterwards() {
        let registry = Registry::new();
        let mut ticket = registry.open(info());
        let handle = registry.handles().pop().expect("it is open");
        let (woken, waker) = waker();
        assert!(ticket.has_rung(&waker));
        assert!(!ticket.has_rung(&waker));
        for times in 1..=3 {
            handle.ring();
            assert_eq!(woken.0.load(Ordering::Relaxed), times);
            assert!(ticket.has_rung(&waker));
        }
        drop((waker, ticket));
        assert_eq!(Arc::strong_count(&woken), 1);
        handle.ring();
        assert_eq!(woken.0.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn who_rang_before_anybody_listened_is_heard() {
        let registry = Registry::new();
        let mut ticket = registry.open(info());
        ticket.cut(Cause::Shutdown);
        let (_, waker) = waker();
        assert!(ticket.has_rung(&waker));
        assert!(ticket.take_post().command.is_some());
    }

    #[test]
    fn the_task_that_asked_last_is_woken() {
        let registry = Registry::new();
        let mut ticket = registry.open(info());
        let ((first, first_waker), (second, second_waker)) = (waker(), waker());
        ticket.has_rung(&first_waker);
        assert!(ticket.has_rung(&second_waker));
        ticket.ring();
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(second.0.load(Ordering::Relaxed), 1);
    }
}
