//! What the hub has of one worker: its book, and what waits for its desk.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arcstr::ArcStr;
use switchyard_bus::MessageId;
use switchyard_relay::{Message, SessionId};
use tokio::sync::mpsc;

use crate::book::Book;

/// Messages that may wait for one worker's fan-out. A worker that is this far behind misses messages, which are counted.
const INBOX: usize = 1024;

/// Their payload bytes. A message that is larger may wait alone.
const INBOX_BYTES: usize = 64 * 1024 * 1024;

/// What one worker has.
pub(crate) struct Shard {
    book: Mutex<Book>,
    /// How many sessions are in the book.
    pub(super) sessions: AtomicUsize,
    jobs: mpsc::Sender<Job>,
    /// Payload bytes of what waits.
    waiting: AtomicUsize,
    pub(crate) inbox: tokio::sync::Mutex<mpsc::Receiver<Job>>,
}

/// A message on its way to a worker's subscribers.
pub(crate) struct Job {
    pub(crate) channel: ArcStr,
    pub(crate) message: Arc<Message>,
    pub(crate) exclude: Option<SessionId>,
    /// Where its channel keeps what is published.
    pub(crate) id: Option<MessageId>,
}

impl Shard {
    pub(super) fn new() -> Self {
        let (jobs, inbox) = mpsc::channel(INBOX);
        Self {
            book: Mutex::default(),
            sessions: AtomicUsize::new(0),
            jobs,
            waiting: AtomicUsize::new(0),
            inbox: tokio::sync::Mutex::new(inbox),
        }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counted(&self, book: &Book) {
        self.sessions.store(book.sessions(), Ordering::SeqCst);
    }

    /// Leaves a message for the worker. Whether there is room.
    pub(super) fn accept(&self, job: Job) -> bool {
        let bytes = job.message.len();
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let has_room = before == 0 || before + bytes <= INBOX_BYTES;
        let is_accepted = has_room && self.jobs.try_send(job).is_ok();
        if !is_accepted {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_accepted
    }

    /// Whether half of the room is left.
    pub(super) fn has_room(&self) -> bool {
        let bytes = self.waiting.load(Ordering::Relaxed);
        self.jobs.capacity() > INBOX / 2 && bytes <= INBOX_BYTES / 2
    }

    /// A message is on its way to the sessions, and waits no more.
    pub(crate) fn taken(&self, job: &Job) {
        let bytes = job.message.len();
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}
