//! A real NATS server, alone or in a cluster, with or without `JetStream`.
//!
//! What it demands of its clients is in the lines of its configuration that the test gives; for credentials signed by an
//! operator see [`Operator`]. Not here: a client.

mod operator;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::loopback;
use crate::process::Process;
use crate::wait::eventually;

pub use operator::Operator;

/// A running server on a free port. Dropping it ends it.
pub struct NatsServer {
    address: SocketAddr,
    folder: TempDir,
    process: Option<Process>,
}

impl NatsServer {
    /// Starts it with these lines of configuration, such as `authorization { token: "t" }`.
    #[track_caller]
    pub fn start(lines: &str) -> Self {
        Self::start_beside(&[], lines)
    }

    /// The same with files beside its configuration, by name and content; that is where it runs.
    #[track_caller]
    pub fn start_beside(files: &[(&str, &str)], lines: &str) -> Self {
        Self::start_at(loopback::free_port(), files, lines)
    }

    /// With `JetStream`, which keeps its files as long as this value lives.
    #[track_caller]
    pub fn with_jetstream() -> Self {
        Self::start("jetstream { store_dir: \"jetstream\" }")
    }

    /// Over TLS, with the certificate of this PEM text; clients have to show one that `clients` signed, where it is given.
    #[track_caller]
    pub fn with_tls(cert: &str, key: &str, clients: Option<&str>) -> Self {
        let verify = match clients {
            Some(_) => "ca_file: \"clients.pem\", verify: true",
            None => "",
        };
        let files = [
            ("cert.pem", cert),
            ("key.pem", key),
            ("clients.pem", clients.unwrap_or_default()),
        ];
        let tls = format!(
            "tls {{ cert_file: \"cert.pem\", key_file: \"key.pem\", timeout: 10, {verify} }}"
        );
        Self::start_beside(&files, &tls)
    }

    /// Two that pass messages on to each other, and tell clients of each other.
    #[track_caller]
    pub fn cluster() -> [Self; 2] {
        let routes = [loopback::free_port(), loopback::free_port()];
        [(0, 1), (1, 0)].map(|(own, other)| {
            let (own, other) = (routes[own], routes[other]);
            Self::start(&format!(
                "cluster {{ name: test, listen: \"{own}\", routes: [\"nats://{other}\"] }}"
            ))
        })
    }

    #[track_caller]
    fn start_at(address: SocketAddr, files: &[(&str, &str)], lines: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("a file");
        }
        let mut server = Self {
            address,
            folder,
            process: None,
        };
        server.restart_with(lines);
        server
    }

    fn configure(&self, lines: &str) {
        let text = format!("listen: \"{}\"\n{lines}\n", self.address);
        fs::write(config_of(&self.folder), text).expect("a file");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it if it runs, and starts it anew on the same port, with the files that it has.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(program());
        command.current_dir(self.folder.path());
        command.arg("-c").arg(config_of(&self.folder));
        let process = Process::start(command);
        process
            .stderr()
            .wait_for("nats-server to be ready", |line| {
                line.as_str()
                    .is_some_and(|line| line.contains("Server is ready"))
            });
        self.process = Some(process);
    }

    /// The same with other lines of configuration.
    #[track_caller]
    pub fn restart_with(&mut self, lines: &str) {
        self.configure(lines);
        self.restart();
    }

    /// Kills it: nothing listens on its port.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Keeps it from answering, with its port and its connections open.
    #[track_caller]
    pub fn freeze(&self) {
        self.process().signal(Signal::STOP);
        let tasks = format!("/proc/{}/task", self.process().id());
        eventually("nats-server to have stopped", || {
            let mut tasks = fs::read_dir(&tasks).expect("it is there");
            let all = tasks.all(|task| is_stopped(&task.expect("a thread").path()));
            all.then_some(())
        });
    }

    /// Lets it go on.
    #[track_caller]
    pub fn thaw(&self) {
        self.process().signal(Signal::CONT);
    }

    /// Waits until this is in its log.
    #[track_caller]
    pub fn wait_for_log(&self, what: &str) {
        self.process().stderr().wait_for(what, |line| {
            line.as_str().is_some_and(|line| line.contains(what))
        });
    }

    #[track_caller]
    fn process(&self) -> &Process {
        self.process.as_ref().expect("it has not been killed")
    }
}

/// Whether this thread is; see proc(5).
fn is_stopped(task: &Path) -> bool {
    let stat = fs::read_to_string(task.join("stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default();
    state.trim_start().starts_with('T')
}

fn config_of(folder: &TempDir) -> PathBuf {
    folder.path().join("nats.conf")
}

/// Debian has it where only root's PATH leads.
fn program() -> &'static str {
    let sbin = "/usr/sbin/nats-server";
    if Path::new(sbin).exists() {
        sbin
    } else {
        "nats-server"
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpStream;

    use super::*;

    fn greeting(server: &NatsServer) -> String {
        let stream = TcpStream::connect(server.address()).expect("it listens");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("a line");
        line
    }

    #[test]
    fn it_is_what_the_test_asked_for_and_comes_back_on_its_port() {
        let mut server = NatsServer::with_jetstream();
        assert!(greeting(&server).contains("\"jetstream\":true"));
        server.kill();
        assert!(TcpStream::connect(server.address()).is_err());
        server.restart();
        assert!(greeting(&server).starts_with("INFO {"));
    }

    #[test]
    fn it_takes_what_an_operator_signed() {
        let operator = Operator::new();
        let server = NatsServer::start(&operator.lines());
        assert!(greeting(&server).contains("\"nonce\""));
        assert!(operator.credentials().contains("BEGIN USER NKEY SEED"));
    }
}
