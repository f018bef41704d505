//! A real Prometheus, with a configuration of the test's own.
//!
//! Not here: Alertmanager. An alert that is pending or fires is asked for.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::gateway::get;
use crate::loopback;
use crate::process::Process;
use crate::wait::eventually;

/// A running server on a free port, with its data in a temporary folder. Dropping it ends it.
pub struct Prometheus {
    address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it with the one of `files`, by path and content, that is called `config`, and waits until it is ready. Paths in
    /// a configuration are from where it is.
    #[track_caller]
    pub fn start(files: &[(&str, &str)], config: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        let address = loopback::free_port();
        let process = Process::start(command(folder.path(), config, address));
        eventually("Prometheus to listen", || {
            std::net::TcpStream::connect(address).is_ok().then_some(())
        });
        eventually("Prometheus to be ready", || {
            (get(address, "/-/ready").status() == 200).then_some(())
        });
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }

    /// The `data` of an answer of its HTTP API, such as `rules` or `targets`.
    #[track_caller]
    pub fn ask(&self, path: &str) -> Value {
        let answer = get(self.address, &format!("/api/v1/{path}"));
        let mut said: Value = serde_json::from_str(answer.text()).expect("JSON");
        assert_eq!(said["status"], "success", "{path}: {said}");
        said["data"].take()
    }

    /// The series that an expression gives now, each with `metric` and `value`.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let data = self.ask(&format!("query?query={}", encoded(expression)));
        assert_eq!(data["resultType"], "vector", "{expression}");
        listed(&data, "result")
    }

    /// Every rule of every group.
    #[track_caller]
    pub fn rules(&self) -> Vec<Value> {
        listed(&self.ask("rules"), "groups")
            .iter()
            .flat_map(|group| listed(group, "rules"))
            .collect()
    }

    /// Every alert that is pending or fires.
    #[track_caller]
    pub fn alerts(&self) -> Vec<Value> {
        listed(&self.ask("alerts"), "alerts")
    }

    /// Every target that is scraped.
    #[track_caller]
    pub fn targets(&self) -> Vec<Value> {
        listed(&self.ask("targets?state=active"), "activeTargets")
    }
}

fn command(folder: &Path, config: &str, address: SocketAddr) -> Command {
    let mut command = Command::new("prometheus");
    command.current_dir(folder);
    command.arg(format!("--config.file={config}"));
    command.arg("--storage.tsdb.path=data");
    command.arg(format!("--web.listen-address={address}"));
    command.arg("--log.level=warn");
    command
}

#[track_caller]
fn listed(of: &Value, name: &str) -> Vec<Value> {
    of[name].as_array().expect("a list").clone()
}

/// Percent-encoded for a query, all but letters and digits.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(byte.into());
        } else {
            write!(out, "%{byte:02X}").expect("a string grows");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_what_it_is_asked() {
        let config = "global: { scrape_interval: 1s }\n";
        let prometheus = Prometheus::start(&[("a/prometheus.yml", config)], "a/prometheus.yml");
        let series = prometheus.query("vector(2) + 1");
        assert_eq!(series[0]["value"][1], "3");
        assert!(prometheus.rules().is_empty() && prometheus.targets().is_empty());
        assert!(prometheus.alerts().is_empty());
    }
}
