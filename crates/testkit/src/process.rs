//! A child process that prints lines: the gateway itself, or a helper in node or python.

use std::fmt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};

use crate::lines::Lines;
use crate::wait::eventually;

/// A running child. Dropping it kills it, and prints what it said when the test is failing.
pub struct Process {
    name: String,
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Process {
    /// Starts `command` with its output collected.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let name = Path::new(command.get_program())
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let stdout = Lines::collect(child.stdout.take().expect("piped"));
        let stderr = Lines::collect(child.stderr.take().expect("piped"));
        Self {
            name,
            child,
            stdout,
            stderr,
        }
    }

    /// What it printed on standard output.
    pub fn stdout(&self) -> &Lines {
        &self.stdout
    }

    /// What it printed on standard error.
    pub fn stderr(&self) -> &Lines {
        &self.stderr
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process is there until it is waited for");
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn wait_exit(&mut self) -> ExitStatus {
        let what = format!("{} to end", self.name);
        eventually(&what, || self.child.try_wait().expect("it is our child"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{self}");
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (stream, lines) in [("out", &self.stdout), ("err", &self.stderr)] {
            for line in lines.so_far() {
                writeln!(out, "{} {stream}: {line}", self.name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_heard_signalled_and_waited_for() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "trap 'exit 3' TERM; echo '{\"ready\":true}'; while :; do read x; done",
        ]);
        command.arg("tests");
        let mut child = Process::start(command);
        child
            .stdout()
            .wait_for("ready", |line| line["ready"] == true);
        child.signal(Signal::TERM);
        assert_eq!(child.wait_exit().code(), Some(3));
    }
}
