//! Counts of lines that were not written, and of what became of the access log's file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many lines were dropped. Clones are the same count.
#[derive(Clone, Default)]
pub struct DroppedLines(Arc<Dropped>);

#[derive(Default)]
struct Dropped {
    slow: AtomicU64,
    failed: AtomicU64,
}

impl DroppedLines {
    /// Lines for which there was no room, because the reader or the disk was too slow.
    pub fn slow(&self) -> u64 {
        self.0.slow.load(Ordering::Relaxed)
    }

    /// Lines that could not be written: the disk is full, the reader has gone.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Both.
    pub fn count(&self) -> u64 {
        self.slow().saturating_add(self.failed())
    }

    pub(super) fn add_slow(&self) {
        self.0.slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_failed(&self, lines: u64) {
        self.0.failed.fetch_add(lines, Ordering::Relaxed);
    }
}

/// What became of the access log's file, whichever it was. Clones are the same counts.
#[derive(Clone, Default)]
pub struct AccessFileCounts {
    /// Its lines that were dropped.
    pub dropped: DroppedLines,
    reopened: Arc<Reopened>,
}

#[derive(Default)]
struct Reopened {
    done: AtomicU64,
    failed: AtomicU64,
}

impl AccessFileCounts {
    /// How often it was opened anew.
    pub fn reopened(&self) -> u64 {
        self.reopened.done.load(Ordering::Relaxed)
    }

    /// How often that failed.
    pub fn not_reopened(&self) -> u64 {
        self.reopened.failed.load(Ordering::Relaxed)
    }

    pub(super) fn add_reopened(&self) {
        self.reopened.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_not_reopened(&self) {
        self.reopened.failed.fetch_add(1, Ordering::Relaxed);
    }
}
