//! The command line: what each command prints, and its exit code.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use switchyard_testkit::Settings;
use tempfile::TempDir;

use crate::support::BINARY;

/// A folder with one configuration.
struct Config {
    folder: TempDir,
}

impl Config {
    fn new(yaml: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("switchyard.yaml"), yaml).unwrap();
        Self { folder }
    }

    /// Runs a command on it.
    fn run(&self, command: &str, more: &[&str]) -> Said {
        let mut switchyard = Command::new(BINARY);
        switchyard.current_dir(self.folder.path());
        switchyard
            .args([command, "--config", "switchyard.yaml"])
            .args(more);
        Said::from(switchyard.output().unwrap())
    }
}

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn switchyard(arguments: &[&str]) -> Said {
    Said::from(Command::new(BINARY).args(arguments).output().unwrap())
}

fn good() -> String {
    Settings::to(&[
        "10.0.0.11:9000".parse().unwrap(),
        "10.0.0.12:9000".parse().unwrap(),
    ])
    .matching("hosts: [chat.example.com], path: \"/rooms/{room}\"")
    .route("affinity: [{ path: room }, { header: x-user-id }]")
    .render()
}

/// A mistyped key, a missing cluster and a value that is no duration, in one file.
fn bad() -> String {
    good()
        .replacen("address:", "adress:", 1)
        .replacen("cluster: main", "cluster: mian", 1)
        .replace("workers: 2", "workers: 2\ndrain: { over: soon }")
}

#[test]
fn check_accepts_a_good_file() {
    let said = Config::new(&good()).run("check", &[]);
    assert_eq!(
        (said.code, said.out.trim()),
        (Some(0), "switchyard.yaml: ok"),
        "{}",
        said.err
    );
}

#[test]
fn check_shows_every_error_and_where_it_is() {
    let said = Config::new(&bad()).run("check", &[]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out, "");
    for part in [
        "switchyard.yaml:3:5",
        "adress",
        "did you mean `address`?",
        "mian",
        "did you mean `main`?",
        "soon",
    ] {
        assert!(said.err.contains(part), "{part} is missing:\n{}", said.err);
    }
}

#[test]
fn run_refuses_a_bad_file() {
    let said = Config::new(&bad()).run("run", &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("did you mean `address`?"), "{}", said.err);
    assert!(!said.out.contains("listening"), "{}", said.out);
}

#[test]
fn run_refuses_a_file_that_is_not_there() {
    let said = switchyard(&["run", "--config", "/nonexistent/switchyard.yaml"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("/nonexistent/switchyard.yaml"),
        "{}",
        said.err
    );
}

#[test]
fn run_refuses_an_address_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let yaml = good().replacen("127.0.0.1:0", &address, 1);
    let said = Config::new(&yaml).run("run", &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains(&address), "{}", said.err);
}

#[test]
fn explain_says_where_a_handshake_goes_and_why() {
    let config = Config::new(&good());
    let url = "ws://chat.example.com/rooms/7";
    let said = config.run("explain", &[url]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for part in ["main", "room", "7", "10.0.0.11:9000", "10.0.0.12:9000"] {
        assert!(said.out.contains(part), "{part} is missing:\n{}", said.out);
    }
    assert_eq!(
        config.run("explain", &[url]).out,
        said.out,
        "the same each time"
    );
}

#[test]
fn explain_takes_headers_into_account() {
    let yaml = good()
        .replace("path: \"/rooms/{room}\"", "path_prefix: /")
        .replace("{ path: room }, ", "");
    let said = Config::new(&yaml).run(
        "explain",
        &["ws://chat.example.com/", "-H", "x-user-id: ada"],
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("x-user-id") && said.out.contains("ada"),
        "{}",
        said.out
    );
}

#[test]
fn explain_says_when_no_route_matches() {
    let said = Config::new(&good()).run("explain", &["ws://other.example.com/rooms/7"]);
    assert!(
        said.out.contains("404") || said.err.contains("404"),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn the_schema_is_json_schema() {
    let said = switchyard(&["schema"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let schema: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["additionalProperties"], false);
    for key in ["listeners", "routes", "clusters", "drain", "admin"] {
        assert!(schema["properties"][key].is_object(), "{key} is missing");
    }
}

#[test]
fn wrong_usage_is_2() {
    assert_eq!(switchyard(&["dance"]).code, Some(2));
    assert_eq!(switchyard(&["run"]).code, Some(2));
    assert_eq!(switchyard(&[]).code, Some(2));
}

#[test]
fn it_says_its_version() {
    let said = switchyard(&["--version"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.starts_with("switchyard 0.1.0"), "{}", said.out);
}
