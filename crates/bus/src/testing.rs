//! For tests: a sink that remembers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::history::MessageId;
use crate::sink::Sink;
use crate::subject::Subject;

/// What a sink was given.
pub(crate) type Received = (Subject, Bytes, Option<MessageId>);

/// A sink that remembers.
pub(crate) struct Tape {
    received: Mutex<Vec<Received>>,
    overrun: AtomicU64,
    resumed: AtomicU64,
}

impl Tape {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            received: Mutex::default(),
            overrun: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
        })
    }

    pub(crate) fn sink(self: &Arc<Self>) -> Arc<dyn Sink> {
        let sink: Arc<Self> = Arc::clone(self);
        sink
    }

    /// All that came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }

    /// How often it was told of the end of a gap.
    pub(crate) fn resumed(&self) -> u64 {
        self.resumed.load(Ordering::Relaxed)
    }

    /// How many were lost.
    pub(crate) fn overrun(&self) -> u64 {
        self.overrun.load(Ordering::Relaxed)
    }
}

impl Sink for Tape {
    fn receive(&self, subject: Subject, payload: Bytes, id: Option<MessageId>) {
        let mut received = self.received.lock().expect("no panic");
        received.push((subject, payload, id));
    }

    fn resumed(&self) {
        self.resumed.fetch_add(1, Ordering::Relaxed);
    }

    fn overrun(&self, messages: u64) {
        self.overrun.fetch_add(messages, Ordering::Relaxed);
    }
}
