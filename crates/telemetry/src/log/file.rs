//! The file of the access log: opened at start, opened anew when it was moved away, and never waited
//! for by anybody but its own thread.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::dropped::AccessFileCounts;
use super::sink::Output;
use super::whole::Whole;

/// Who may look at a file that did not exist: its owner, and its group. It says who connected.
const MODE: u32 = 0o640;

/// A file that gets whole lines.
pub(super) struct AccessFile {
    path: PathBuf,
    output: Whole<File>,
    health: Health,
    counts: AccessFileCounts,
}

/// Whether the last lines could be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    Failing,
}

impl AccessFile {
    /// Opens the file at `path` to add to it.
    pub(super) fn open(path: &Path, counts: AccessFileCounts) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            output: Whole::new(open(path)?),
            health: Health::Well,
            counts,
        })
    }

    /// Says once that lines are lost, however many follow.
    fn fails(&mut self, error: &io::Error) {
        if self.health == Health::Well {
            let file = self.path.display();
            tracing::error!(%file, %error, "the access log cannot be written, its lines are dropped");
        }
        self.health = Health::Failing;
    }

    fn works(&mut self) {
        if self.health == Health::Failing {
            let (file, dropped) = (self.path.display(), self.counts.dropped.failed());
            tracing::info!(%file, dropped, "the access log can be written again");
        }
        self.health = Health::Well;
    }
}

impl Output for AccessFile {
    fn put(&mut self, lines: &[u8]) -> u64 {
        match self.output.put(lines) {
            Ok(()) => {
                self.works();
                0
            }
            Err(lost) => {
                self.fails(&lost.error);
                lost.lines
            }
        }
    }

    /// Without a new file the old one is written on.
    fn reopen(&mut self) {
        let file = self.path.display();
        match open(&self.path) {
            Ok(opened) => {
                if self.output.is_torn() {
                    self.counts.dropped.add_failed(1);
                }
                tracing::info!(%file, "access log reopened");
                self.output = Whole::new(opened);
                self.counts.add_reopened();
            }
            Err(error) => {
                tracing::error!(%file, %error, "the access log could not be reopened, the old file is kept");
                self.counts.add_not_reopened();
            }
        }
    }
}

/// Opens a file to add to it. A pipe that nobody reads is an error: to wait for a reader could be for
/// ever.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(MODE);
    let file = rustix::fs::open(path, flags | OFlags::NOCTTY | OFlags::NONBLOCK, mode);
    let file = file.map_err(|error| match error {
        Errno::NXIO => io::Error::new(io::ErrorKind::NotConnected, "nobody reads this pipe"),
        error => error.into(),
    })?;
    // From here on its reader may be slow: the thread that writes has the time.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file.into())
}
