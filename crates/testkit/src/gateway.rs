//! The real binary, running with a configuration of the test's own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::head::Response;
use crate::lines::{Lines, message};
use crate::metrics::Metrics;
use crate::process::Process;
use crate::settings::Settings;
use crate::socket::Socket;
use crate::wait::eventually;

/// A gateway that is ready. Dropping it kills it.
pub struct Gateway {
    process: Process,
    folder: TempDir,
}

impl Gateway {
    /// Starts `binary` and waits until it is ready.
    #[track_caller]
    pub fn start(binary: impl AsRef<Path>, settings: &Settings) -> Self {
        Self::start_with(binary, &settings.render())
    }

    /// The same with the whole text of a configuration.
    #[track_caller]
    pub fn start_with(binary: impl AsRef<Path>, yaml: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let config = folder.path().join("switchyard.yaml");
        std::fs::write(&config, yaml).expect("a file");
        Self::spawn(binary.as_ref(), &config, folder)
    }

    /// The same with files beside the configuration, by name and content.
    #[track_caller]
    pub fn start_beside(
        binary: impl AsRef<Path>,
        settings: &Settings,
        files: &[(&str, &str)],
    ) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let config = folder.path().join("switchyard.yaml");
        std::fs::write(&config, settings.render()).expect("a file");
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).expect("a file");
        }
        Self::spawn(binary.as_ref(), &config, folder)
    }

    /// The same with a configuration that is there already.
    #[track_caller]
    pub fn start_at(binary: impl AsRef<Path>, config: &Path) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self::spawn(binary.as_ref(), config, folder)
    }

    /// The same with a process of the test's own making, such as one with an environment: `command` is given the
    /// configuration's path.
    #[track_caller]
    pub fn start_by(settings: &Settings, command: impl FnOnce(&Path) -> Command) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let config = folder.path().join("switchyard.yaml");
        std::fs::write(&config, settings.render()).expect("a file");
        Self::run(command(&config), folder)
    }

    #[track_caller]
    fn spawn(binary: &Path, config: &Path, folder: TempDir) -> Self {
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(config);
        Self::run(command, folder)
    }

    #[track_caller]
    fn run(command: Command, folder: TempDir) -> Self {
        let gateway = Self {
            process: Process::start(command),
            folder,
        };
        gateway
            .log()
            .wait_for("ready", |line| message(line, "ready"));
        gateway
    }

    /// Where the listener `name` listens.
    #[track_caller]
    pub fn address(&self, name: &str) -> SocketAddr {
        let line = self.log().wait_for("listening", |line| {
            message(line, "listening") && line["listener"] == name
        });
        line["address"]
            .as_str()
            .expect("an address")
            .parse()
            .expect("an address")
    }

    /// Where the listener `web` listens.
    #[track_caller]
    pub fn web(&self) -> SocketAddr {
        self.address("web")
    }

    /// Where the admin listener listens.
    #[track_caller]
    pub fn admin(&self) -> SocketAddr {
        self.address("admin")
    }

    /// Its log lines.
    pub fn log(&self) -> &Lines {
        self.process.stdout()
    }

    /// The first `count` access records with this message.
    #[track_caller]
    pub fn records(&self, count: usize, text: &str) -> Vec<Value> {
        self.log()
            .wait_for_many(count, text, |line| message(line, text))
    }

    /// The record of the only session that has closed.
    #[track_caller]
    pub fn closed(&self) -> Value {
        self.records(1, "session closed").remove(0)
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("switchyard.yaml")
    }

    /// Puts another configuration in the place of its own, at once and whole, and does not say so.
    #[track_caller]
    pub fn rewrite(&self, settings: &Settings) {
        self.rewrite_with(&settings.render());
    }

    /// The same with the whole text of a configuration.
    #[track_caller]
    pub fn rewrite_with(&self, yaml: &str) {
        let next = self.folder.path().join("next.yaml");
        std::fs::write(&next, yaml).expect("a file");
        std::fs::rename(next, self.config()).expect("a file in its place");
    }

    /// Has it read its configuration again.
    pub fn hang_up(&self) {
        self.process.signal(Signal::HUP);
    }

    /// Has it go over to another configuration, for the `count`th time; what it says of that.
    #[track_caller]
    pub fn reload(&self, settings: &Settings, count: usize) -> Value {
        self.rewrite(settings);
        self.hang_up();
        self.records(count, "reloaded").remove(count - 1)
    }

    /// GET on the admin listener.
    #[track_caller]
    pub fn ask_admin(&self, path: &str) -> Response {
        get(self.admin(), path)
    }

    /// One scrape.
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        let response = self.ask_admin("/metrics");
        assert_eq!(response.status(), 200, "{}", response.text());
        Metrics::parse(response.text().to_owned())
    }

    /// Scrapes until a metric has this value; panics with its samples if it never does.
    #[track_caller]
    pub fn wait_metric(&self, name: &str, labels: &[(&str, &str)], value: u64) {
        let what = format!("{name} {labels:?} to be {value}");
        eventually(&what, || {
            (self.metrics().count(name, labels) == value).then_some(())
        });
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// A file beside its configuration.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Asks it to drain, as an orchestrator does.
    pub fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn wait_exit(&mut self) -> ExitStatus {
        self.process.wait_exit()
    }
}

/// One GET over a connection of its own.
#[track_caller]
pub fn get(address: SocketAddr, path: &str) -> Response {
    let mut socket = Socket::connect(address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.send(request.as_bytes());
    Response::read(&mut socket)
}
