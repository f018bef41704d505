//! A real redis-server: alone, as a cluster, or watched by a sentinel.
//!
//! It keeps nothing on disk but what a cluster knows of itself. Not here: a client that anyone could use; tests ask with
//! [`Redis::ask`].

mod client;
mod cluster;
mod watched;

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::loopback;
use crate::process::Process;
use crate::wait::eventually;

pub use cluster::RedisCluster;
pub use watched::WatchedRedis;

/// The host of all of them, which a certificate has to be for.
pub fn host() -> String {
    loopback::own().to_string()
}

/// A running server. Dropping it ends it.
pub struct Redis {
    address: SocketAddr,
    folder: TempDir,
    process: Option<Process>,
    is_sentinel: bool,
}

impl Redis {
    /// Starts it with these lines of configuration beside those of every test.
    #[track_caller]
    pub fn start(lines: &[&str]) -> Self {
        Self::start_at(loopback::free_port(), lines)
    }

    /// Starts it where another was.
    #[track_caller]
    pub fn start_at(address: SocketAddr, lines: &[&str]) -> Self {
        Self::launch(address, false, &[], |_| lines.join("\n"))
    }

    /// Starts it with files beside its configuration, by name and content. The configuration can name them after the
    /// folder, and has the port to listen on over TLS.
    #[track_caller]
    pub fn start_over_tls(
        files: &[(&str, &str)],
        lines: impl FnOnce(&Path, u16) -> String,
    ) -> Self {
        let address = loopback::free_port();
        Self::launch(address, false, files, |folder| {
            lines(folder, address.port())
        })
    }

    #[track_caller]
    fn sentinel(lines: &str) -> Self {
        Self::launch(loopback::free_port(), true, &[], |_| lines.to_owned())
    }

    #[track_caller]
    fn launch(
        address: SocketAddr,
        is_sentinel: bool,
        files: &[(&str, &str)],
        lines: impl FnOnce(&Path) -> String,
    ) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("a file");
        }
        let mut redis = Self {
            address,
            folder,
            process: None,
            is_sentinel,
        };
        let mut config = redis.common_lines();
        config.push_str(&lines(redis.folder.path()));
        config.push('\n');
        fs::write(redis.config(), config).expect("a file");
        redis.restart();
        redis
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it anew on the same port, with nothing in it.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new("redis-server");
        command.arg(self.config());
        if self.is_sentinel {
            command.arg("--sentinel");
        }
        self.process = Some(Process::start(command));
        let address = self.address;
        eventually("Redis to listen", || TcpStream::connect(address).ok());
    }

    /// Keeps it from answering, with its port open.
    #[track_caller]
    pub fn freeze(&self) {
        self.process().signal(Signal::STOP);
    }

    /// Lets it go on.
    #[track_caller]
    pub fn thaw(&self) {
        self.process().signal(Signal::CONT);
    }

    /// Its answer to a command: text, a number, null or an array of these; an error is its text.
    #[track_caller]
    pub fn ask(&self, words: &[&str]) -> Value {
        client::ask(self.address, words).expect("an answer")
    }

    /// How often it has been given this command since the last `CONFIG RESETSTAT`.
    #[track_caller]
    pub fn calls(&self, command: &str) -> u64 {
        let stats = self.ask(&["INFO", "commandstats"]);
        let start = format!("cmdstat_{command}:calls=");
        let lines = stats.as_str().expect("text").lines();
        let calls = lines
            .filter_map(|line| line.strip_prefix(&start))
            .filter_map(|rest| rest.split(',').next());
        calls
            .map(|calls| calls.parse::<u64>().expect("a number"))
            .sum()
    }

    #[track_caller]
    fn process(&self) -> &Process {
        self.process.as_ref().expect("it has not been killed")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("redis.conf")
    }

    fn common_lines(&self) -> String {
        let (ip, port) = (self.address.ip(), self.address.port());
        let folder = self.folder.path().display();
        let mut lines = format!("bind {ip}\ndir {folder}\nprotected-mode no\n");
        // A later `port 0` leaves it to TLS.
        writeln!(lines, "port {port}").expect("memory");
        if !self.is_sentinel {
            // Otherwise each takes what others see as its address.
            writeln!(lines, "replica-announce-ip {ip}\ncluster-announce-ip {ip}").expect("memory");
            lines.push_str("save \"\"\nappendonly no\nrepl-diskless-sync-delay 0\n");
        }
        lines
    }
}
