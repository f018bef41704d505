//! The process that takes the place of this one.
//!
//! It is what lies at the path now by which this one was started, with the same arguments; its end of the
//! socket pair is its standard input, which a gateway has no other use for, and a variable says so.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf, absolute};
use std::process::{self, Child, Stdio};

use tokio::task::spawn_blocking;

/// Says that standard input is the end of a socket pair.
pub(super) const VARIABLE: &str = "SWITCHYARD_UPGRADE";

/// How this process was started.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// The new process. Dropped, it is killed, unless it has been [let be](Self::let_be).
#[derive(Debug)]
pub(super) struct Successor {
    child: Option<Child>,
    id: u32,
    is_let_be: bool,
}

impl Command {
    /// Of this process, as it is now: later its file may be another, and the folder that it is in too.
    ///
    /// # Errors
    /// It cannot be found out.
    pub(crate) fn of_this_process() -> io::Result<Self> {
        let mut arguments = env::args_os();
        let called = arguments.next().map(PathBuf::from).unwrap_or_default();
        Ok(Self {
            program: resolved(&called)?,
            arguments: arguments.collect(),
        })
    }

    /// Where the next binary is expected.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Starts it with `end` as its end of the socket pair.
    pub(super) fn start(&self, end: OwnedFd) -> io::Result<Successor> {
        let child = process::Command::new(&self.program)
            .args(&self.arguments)
            .env(VARIABLE, "stdin")
            // What a service manager has for this process is not for the next.
            .env_remove("LISTEN_FDNAMES")
            .env_remove("WATCHDOG_PID")
            .stdin(Stdio::from(end))
            .spawn()?;
        Ok(Successor {
            id: child.id(),
            child: Some(child),
            is_let_be: false,
        })
    }
}

impl Successor {
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// It has something of its own now: whatever becomes of the upgrade, it is not killed.
    pub(super) fn let_be(&mut self) {
        self.is_let_be = true;
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        if !self.is_let_be {
            // It may have ended by itself.
            child.kill().ok();
        }
        // So that nothing is left of it when it ends.
        spawn_blocking(move || child.wait());
    }
}

/// A path that leads to the same place from anywhere, links not followed: the next binary may be where they
/// lead then.
fn resolved(called: &Path) -> io::Result<PathBuf> {
    if called.components().count() > 1 {
        return absolute(called);
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&folders).map(|folder| folder.join(called));
    match places.find(|place| place.is_file()) {
        Some(place) => absolute(place),
        None => env::current_exe(),
    }
}
