//! Where the lines of all threads gather, and the thread that writes them.
//!
//! A line is copied into one buffer under a lock that is held for that long only; the writer swaps the
//! buffer for an empty one and writes what it got with one call. It is woken only when it sleeps, and
//! then gathers for [`GATHER`] before it writes: however many lines there are, that is at most a
//! hundred wake-ups and writes a second.
//!
//! Not here: what a line looks like.

use std::io::Write;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long lines gather before they are written. A reader sees a line this much later.
const GATHER: Duration = Duration::from_millis(10);

/// Bytes that may wait for a slow reader: with more, lines are dropped and counted. About 16,000
/// access records.
pub(super) const WAITING: usize = 8 * 1024 * 1024;

/// With this many bytes there is no use in gathering on.
const ENOUGH: usize = 256 * 1024;

/// How long the end of the process waits for a reader that has stopped.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Takes lines. Clones are the same sink.
#[derive(Clone)]
pub(super) struct Sink {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    gathered: Mutex<Gathered>,
    /// For the writer: there are lines, there are enough, or it is over.
    call: Condvar,
    /// For the guard: the writer has ended.
    ended: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    writer: Writer,
    life: Life,
}

/// What the writer would have to be called for.
#[derive(Debug, Default, PartialEq, Eq)]
enum Writer {
    /// It writes, and will look for more by itself.
    #[default]
    Busy,
    /// It waits for a line.
    Asleep,
    /// It waits for more lines, for a short time.
    Gathering,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Open,
    /// What there is, is the last.
    Ending,
    /// All is written.
    Ended,
}

/// Starts a thread that writes to `output`. The guard's end is the log's.
pub(super) fn start(output: impl Write + Send + 'static) -> std::io::Result<(Sink, Guard)> {
    let shared = Arc::<Shared>::default();
    let writing = Arc::clone(&shared);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writing.write_to(output))?;
    let sink = Sink {
        shared: Arc::clone(&shared),
    };
    Ok((sink, Guard { shared }))
}

impl Sink {
    /// Adds a line, its end included. Never waits for the reader: without room the line is dropped.
    pub(super) fn put(&self, line: &[u8]) {
        let mut gathered = self.shared.lock();
        if gathered.lines.len() + line.len() > WAITING {
            drop(gathered);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        gathered.lines.extend_from_slice(line);
        let enough = gathered.lines.len() >= ENOUGH;
        let called =
            gathered.writer == Writer::Asleep || (enough && gathered.writer == Writer::Gathering);
        if called {
            gathered.writer = Writer::Busy;
            drop(gathered);
            self.shared.call.notify_one();
        }
    }
}

/// How many lines were dropped because the reader of standard output was too slow.
#[derive(Clone)]
pub struct DroppedLines(Arc<Shared>);

impl DroppedLines {
    /// Lines since the start.
    pub fn count(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

/// Has all lines written when dropped, unless the reader has stopped: then it waits a second.
#[must_use = "lines are flushed when the guard is dropped"]
pub(super) struct Guard {
    shared: Arc<Shared>,
}

impl Guard {
    pub(super) fn dropped(&self) -> DroppedLines {
        DroppedLines(Arc::clone(&self.shared))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut gathered = self.shared.lock();
        gathered.life = Life::Ending;
        self.shared.call.notify_one();
        let waits = |gathered: &mut Gathered| gathered.life != Life::Ended;
        let waited = self
            .shared
            .ended
            .wait_timeout_while(gathered, LAST_WORDS, waits);
        // Whether or not it came to it: there is nobody left to tell.
        drop(waited);
    }
}

/// The writer's side.
impl Shared {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut output: impl Write) {
        let mut batch = Vec::new();
        while self.take(&mut batch) {
            // A reader that has gone cannot be told of.
            let _ = output.write_all(&batch).and_then(|()| output.flush());
            batch.clear();
            batch.shrink_to(ENOUGH);
        }
        self.lock().life = Life::Ended;
        self.ended.notify_all();
    }

    /// Waits for lines and swaps them with `batch`, which is empty; false when there are no more.
    fn take(&self, batch: &mut Vec<u8>) -> bool {
        let mut gathered = self.wait_for_a_line(self.lock());
        if gathered.life == Life::Open && gathered.lines.len() < ENOUGH {
            gathered = self.gather(gathered);
        }
        mem::swap(&mut gathered.lines, batch);
        !batch.is_empty()
    }

    fn wait_for_a_line<'a>(
        &'a self,
        mut gathered: MutexGuard<'a, Gathered>,
    ) -> MutexGuard<'a, Gathered> {
        while gathered.lines.is_empty() && gathered.life == Life::Open {
            gathered.writer = Writer::Asleep;
            gathered = self
                .call
                .wait(gathered)
                .unwrap_or_else(PoisonError::into_inner);
        }
        gathered.writer = Writer::Busy;
        gathered
    }

    fn gather<'a>(&'a self, mut gathered: MutexGuard<'a, Gathered>) -> MutexGuard<'a, Gathered> {
        gathered.writer = Writer::Gathering;
        let goes_on = |gathered: &mut Gathered| {
            gathered.writer == Writer::Gathering && gathered.life == Life::Open
        };
        let (mut gathered, _) = self
            .call
            .wait_timeout_while(gathered, GATHER, goes_on)
            .unwrap_or_else(PoisonError::into_inner);
        gathered.writer = Writer::Busy;
        gathered
    }
}
