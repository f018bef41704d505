//! Where the lines of all threads gather, and the thread that writes them.
//!
//! A line is copied into one buffer under a lock that is held for that long only; the writer swaps the
//! buffer for an empty one and writes what it got with one call. It is woken only when it sleeps, and
//! then gathers for [`GATHER`] before it writes: however many lines there are, that is at most a
//! hundred wake-ups and writes a second.
//!
//! Not here: what a line looks like, and what the output is.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::dropped::DroppedLines;

/// How long lines gather before they are written. A reader sees a line this much later.
const GATHER: Duration = Duration::from_millis(10);

/// Bytes that may wait for a slow reader: with more, lines are dropped and counted. About 16,000
/// access records.
pub(super) const WAITING: usize = 8 * 1024 * 1024;

/// With this many bytes there is no use in gathering on.
const ENOUGH: usize = 256 * 1024;

/// How long the end of the process waits for a reader that has stopped.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where the writer writes to.
pub(super) trait Output: Send + 'static {
    /// Writes whole lines; how many of them were lost.
    fn put(&mut self, lines: &[u8]) -> u64;

    /// Begins anew, such as with another file of the same name.
    fn reopen(&mut self) {}
}

/// Takes lines. When it is dropped the writer writes what there is, and ends.
pub(super) struct Sink {
    shared: Arc<Shared>,
}

struct Shared {
    gathered: Mutex<Gathered>,
    /// For the writer: there are lines, there are enough, or it is over.
    call: Condvar,
    /// The writer has ended.
    ended: Condvar,
    dropped: DroppedLines,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    writer: Writer,
    output: Next,
    life: Life,
}

impl Gathered {
    fn is_at_rest(&self) -> bool {
        self.lines.is_empty() && self.output == Next::Write && self.life == Life::Open
    }
}

/// What is to be done with the output before more is written.
#[derive(Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Write,
    Reopen,
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

/// Starts a thread of that name which writes to `output`, and counts what it drops.
pub(super) fn start(
    name: &str,
    output: impl Output,
    dropped: DroppedLines,
) -> std::io::Result<Sink> {
    let shared = Arc::new(Shared {
        gathered: Mutex::default(),
        call: Condvar::new(),
        ended: Condvar::new(),
        dropped,
    });
    let writing = Arc::clone(&shared);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || writing.write_to(output))?;
    Ok(Sink { shared })
}

impl Sink {
    /// Adds a line, its end included. Never waits for the reader: without room the line is dropped.
    pub(super) fn put(&self, line: &[u8]) {
        let mut gathered = self.shared.lock();
        if gathered.lines.len() + line.len() > WAITING {
            drop(gathered);
            self.shared.dropped.add_slow();
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

    /// Has the output begin anew before more is written.
    pub(super) fn reopen(&self) {
        self.shared.lock().output = Next::Reopen;
        self.shared.call.notify_one();
    }

    /// Has all lines written, unless the reader has stopped: then it waits a second. What comes later is
    /// not written.
    pub(super) fn finish(&self) {
        let gathered = self.shared.end();
        let waits = |gathered: &mut Gathered| gathered.life != Life::Ended;
        let waited = self
            .shared
            .ended
            .wait_timeout_while(gathered, LAST_WORDS, waits);
        // Whether or not it came to it: there is nobody left to tell.
        drop(waited);
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.shared.end());
    }
}

/// The writer's side.
impl Shared {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is, is the last.
    fn end(&self) -> MutexGuard<'_, Gathered> {
        let mut gathered = self.lock();
        if gathered.life == Life::Open {
            gathered.life = Life::Ending;
        }
        self.call.notify_one();
        gathered
    }

    fn write_to(&self, mut output: impl Output) {
        let mut batch = Vec::new();
        while let Some(next) = self.take(&mut batch) {
            if next == Next::Reopen {
                output.reopen();
            }
            if !batch.is_empty() {
                self.dropped.add_failed(output.put(&batch));
            }
            batch.clear();
            batch.shrink_to(ENOUGH);
        }
        self.lock().life = Life::Ended;
        self.ended.notify_all();
    }

    /// Waits for something to do and swaps the lines with `batch`, which is empty; `None` when there is
    /// no more.
    fn take(&self, batch: &mut Vec<u8>) -> Option<Next> {
        let mut gathered = self.wait_for_work(self.lock());
        if gathered.life == Life::Open
            && gathered.lines.len() < ENOUGH
            && gathered.output == Next::Write
        {
            gathered = self.gather(gathered);
        }
        mem::swap(&mut gathered.lines, batch);
        let next = mem::take(&mut gathered.output);
        (!batch.is_empty() || next == Next::Reopen).then_some(next)
    }

    fn wait_for_work<'a>(
        &'a self,
        mut gathered: MutexGuard<'a, Gathered>,
    ) -> MutexGuard<'a, Gathered> {
        while gathered.is_at_rest() {
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
