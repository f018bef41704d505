//! Changes the log of the running process: its settings, and the file of the access log.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::LogOptions;
use super::dropped::AccessFileCounts;
use super::file::AccessFile;
use super::live::Live;
use super::sink::{self, Sink};
use crate::Error;

/// Changes the log. Clones change the same.
#[derive(Clone)]
pub struct LogControl {
    inner: Arc<Inner>,
}

struct Inner {
    live: Arc<ArcSwap<Live>>,
    /// The file that is written; locked while it is changed.
    open: Mutex<Option<Open>>,
    counts: AccessFileCounts,
}

/// A file and the thread that writes it.
#[derive(Clone)]
struct Open {
    path: PathBuf,
    sink: Arc<Sink>,
}

/// What there was to open anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopening {
    /// The file of the access log. What becomes of it is said in the log.
    Asked,
    /// Nothing: the access log has no file.
    NoFile,
}

impl LogControl {
    pub(super) fn start(options: &LogOptions) -> Result<Self, Error> {
        let counts = AccessFileCounts::default();
        let open = open(options, None, &counts)?;
        let live = Live::new(options, sink_of(open.as_ref()));
        let inner = Inner {
            live: Arc::new(ArcSwap::from_pointee(live)),
            open: Mutex::new(open),
            counts,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Makes the log what `options` say, from the next line on. Nothing changes when it fails.
    ///
    /// A file that was written before and is not now gets the lines that are on their way to it.
    pub fn adopt(&self, options: &LogOptions) -> Result<(), Error> {
        let mut current = self.open();
        let next = open(options, current.as_ref(), &self.inner.counts)?;
        let live = Live::new(options, sink_of(next.as_ref()));
        self.inner.live.store(Arc::new(live));
        *current = next;
        // Which events are of interest is remembered where each of them is.
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }

    /// Has the access log's file opened anew by the thread that writes it: after it was moved away.
    pub fn reopen(&self) -> Reopening {
        match self.open().as_ref() {
            Some(open) => {
                open.sink.reopen();
                Reopening::Asked
            }
            None => Reopening::NoFile,
        }
    }

    /// What became of the access log's file.
    pub fn access_file(&self) -> AccessFileCounts {
        self.inner.counts.clone()
    }

    pub(super) fn live(&self) -> Arc<ArcSwap<Live>> {
        Arc::clone(&self.inner.live)
    }

    /// Has the file's last lines written.
    pub(super) fn finish(&self) {
        if let Some(open) = self.open().take() {
            open.sink.finish();
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.inner
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn sink_of(open: Option<&Open>) -> Option<Arc<Sink>> {
    open.map(|open| Arc::clone(&open.sink))
}

/// The file that `options` ask for: the current one, if it is that.
fn open(
    options: &LogOptions,
    current: Option<&Open>,
    counts: &AccessFileCounts,
) -> Result<Option<Open>, Error> {
    let Some(path) = options.access.as_ref().and_then(|it| it.file.as_ref()) else {
        return Ok(None);
    };
    if let Some(same) = current.filter(|open| open.path == *path) {
        return Ok(Some(same.clone()));
    }
    let file = AccessFile::open(path, counts.clone()).map_err(|source| Error::AccessLog {
        path: path.clone(),
        source,
    })?;
    let sink = sink::start("access-log", file, counts.dropped.clone())?;
    Ok(Some(Open {
        path: path.clone(),
        sink: Arc::new(sink),
    }))
}
