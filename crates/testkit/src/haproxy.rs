//! A real `HAProxy`, before the gateway or behind it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::gateway::get;
use crate::loopback;
use crate::process::Process;
use crate::wait::eventually;

/// What every configuration begins with; the times are those of tests.
const DEFAULTS: &str = "global\n    maxconn 100\n\
    defaults\n    mode tcp\n    timeout connect 60s\n    timeout client 60s\n    timeout server 60s\n";

/// A running proxy. Dropping it ends it.
pub struct HaProxy {
    front: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl HaProxy {
    /// Starts it with the sections that `config` writes for the address that it is to listen on.
    #[track_caller]
    pub fn start(config: impl FnOnce(SocketAddr) -> String) -> Self {
        Self::start_beside(&[], config)
    }

    /// The same with files beside its configuration, by name and content.
    #[track_caller]
    pub fn start_beside(files: &[(&str, &str)], config: impl FnOnce(SocketAddr) -> String) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("a file");
        }
        let (front, ready) = (loopback::free_port(), loopback::free_port());
        let sections = config(front);
        // Opened last and answered by its event loop: when it answers, the others listen.
        let text = format!(
            "{DEFAULTS}{sections}frontend ready\n    mode http\n    bind {ready}\n    \
             http-request return status 200\n"
        );
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, text).expect("a file");
        let mut command = Command::new(program());
        command.current_dir(folder.path());
        command.arg("-db").arg("-f").arg(&file);
        let process = Process::start(command);
        eventually("HAProxy to listen", || {
            std::net::TcpStream::connect(ready).is_ok().then_some(())
        });
        assert_eq!(get(ready, "/").status(), 200);
        Self {
            front,
            _process: process,
            _folder: folder,
        }
    }

    /// Where it listens.
    pub fn front(&self) -> SocketAddr {
        self.front
    }
}

/// Debian has it where only root's PATH leads.
fn program() -> &'static str {
    let sbin = "/usr/sbin/haproxy";
    if Path::new(sbin).exists() {
        sbin
    } else {
        "haproxy"
    }
}
