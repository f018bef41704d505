//! Where a process, or a part of it, is on its way: two values that only grow, and whoever waits for them.
//!
//! Each connection looks at it and waits for it. To look is to read an atomic; to wait takes a lock that the other
//! threads do not want, for as long as it takes to get into a list.
//!
//! Not here: what the values mean to whom.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::phase::Phase;
use crate::post::Post;

/// See the module.
#[derive(Debug)]
pub(crate) struct Stage {
    phase: AtomicU8,
    post: AtomicU8,
    /// What goes as far as this does, or further.
    parts: Mutex<Vec<Weak<Stage>>>,
    waiting: [Crowd; CROWDS],
}

/// In how many lists those are who wait.
const CROWDS: usize = 8;

/// Some of those who wait, on a cache line of their own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Crowd(Notify);

impl Stage {
    pub(crate) fn new(phase: Phase, post: Post) -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(phase as u8),
            post: AtomicU8::new(post as u8),
            parts: Mutex::default(),
            waiting: <[Crowd; CROWDS]>::default(),
        })
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::from(self.phase.load(Ordering::Acquire))
    }

    pub(crate) fn post(&self) -> Post {
        Post::from(self.post.load(Ordering::Acquire))
    }

    /// Goes as far as this, unless it has gone further; its parts go along.
    pub(crate) fn advance(&self, phase: Phase, post: Post) {
        let parts = self.parts();
        let before = (self.phase(), self.post());
        self.phase.fetch_max(phase as u8, Ordering::Release);
        self.post.fetch_max(post as u8, Ordering::Release);
        if (self.phase(), self.post()) == before {
            return;
        }
        for part in parts.iter().filter_map(Weak::upgrade) {
            part.advance(phase, post);
        }
        drop(parts);
        for crowd in &self.waiting {
            crowd.0.notify_waiters();
        }
    }

    /// Has `part` go along from now on, as far as this has gone already.
    pub(crate) fn lead(&self, part: &Arc<Self>) {
        let mut parts = self.parts();
        parts.retain(|part| part.strong_count() > 0);
        parts.push(Arc::downgrade(part));
        part.advance(self.phase(), self.post());
    }

    /// Waits until `is_there`. Cancel-safe.
    pub(crate) async fn until(&self, is_there: impl Fn(&Self) -> bool) {
        loop {
            // It hears of whatever is announced after this.
            let announced = self.announced();
            if is_there(self) {
                return;
            }
            announced.await;
        }
    }

    fn announced(&self) -> Notified<'_> {
        let [first, ..] = &self.waiting;
        let crowd = self.waiting.get(own_crowd()).unwrap_or(first);
        crowd.0.notified()
    }

    fn parts(&self) -> MutexGuard<'_, Vec<Weak<Self>>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In which list this thread waits.
fn own_crowd() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % CROWDS;
    }
    OWN.with(|own| *own)
}
