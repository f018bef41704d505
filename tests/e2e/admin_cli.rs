//! `switchyard sessions`, `drain` and `clusters`: the admin API from the command line.

use std::fs;
use std::process::Command;

use serde_json::Value;
use switchyard_testkit::{Endpoint, Gateway, Peer, Settings};
use tempfile::TempDir;

use crate::support::{BINARY, dead_address, gateway};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Said {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// What a command says about this gateway, which succeeds.
#[track_caller]
fn ask(gateway: &Gateway, arguments: &[&str]) -> String {
    let url = format!("http://{}", gateway.admin());
    let said = run(&[arguments, &["--admin", &url]].concat());
    assert_eq!(
        said.code,
        Some(0),
        "{arguments:?}: {}{}",
        said.out,
        said.err
    );
    said.out
}

/// What it says on standard error when it fails.
#[track_caller]
fn fail(arguments: &[&str]) -> String {
    let said = run(arguments);
    assert_eq!(
        said.code,
        Some(1),
        "{arguments:?}: {}{}",
        said.out,
        said.err
    );
    assert_eq!(said.out, "");
    said.err
}

fn behind(endpoint: &Endpoint) -> Gateway {
    let settings = Settings::to(&[endpoint.address()]).drain("ready_delay: 0s");
    gateway(&settings.drain("over: 0s"))
}

#[test]
fn sessions_are_listed_shown_and_closed() {
    let a = Endpoint::named("a");
    let gateway = behind(&a);
    let (stays, goes) = (
        Peer::connect(gateway.web(), "/"),
        Peer::connect(gateway.web(), "/"),
    );
    let listed = ask(&gateway, &["sessions", "list"]);
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(
        lines[0].starts_with("ID  CLIENT     LISTENER  ROUTE"),
        "{listed}"
    );
    assert!(lines[1].contains("127.0.0.1  web       main"), "{listed}");
    let limited = ask(&gateway, &["sessions", "list", "--limit", "1"]);
    let id = lines[1].split_whitespace().next().expect("a number");
    assert!(
        limited.ends_with(&format!("there are more: --after {id}\n")),
        "{limited}"
    );
    let json = ask(
        &gateway,
        &[
            "sessions", "list", "--route", "main", "--json", "--after", id,
        ],
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    let id = json["sessions"][0]["id"].to_string();
    let shown = ask(&gateway, &["sessions", "show", &id]);
    assert!(shown.contains("messages_from_downstream"), "{shown}");
    let closed = ask(&gateway, &["sessions", "close", &id, "--code", "4001"]);
    assert_eq!(closed, "asked to go: 1\n");
    assert_eq!(goes.answer_close(), 4001);
    let closed = ask(
        &gateway,
        &[
            "sessions",
            "close",
            "--client",
            "127.0.0.0/8",
            "--over",
            "0s",
        ],
    );
    assert_eq!(closed, "asked to go: 1\n");
    assert_eq!(stays.answer_close(), 1012);
}

#[test]
fn drains_are_begun_watched_and_taken_back() {
    let a = Endpoint::named("a");
    let gateway = behind(&a);
    let nothing = "process: serving\nnothing is drained by order\n";
    assert_eq!(ask(&gateway, &["drain"]), nothing);
    let begun = ask(&gateway, &["drain", "start", "--route", "main"]);
    assert_eq!(begun, "draining: route main\n");
    let status = ask(&gateway, &["drain", "status"]);
    assert!(status.contains("\nroute  main  "), "{status}");
    let other = ask(&gateway, &["drain", "status", "--cluster", "main"]);
    assert_eq!(other, nothing);
    let taken_back = ask(&gateway, &["drain", "cancel", "--route", "main"]);
    assert_eq!(taken_back, "serving again: route main\n");
    let begun = ask(&gateway, &["drain", "start"]);
    assert_eq!(begun, "draining: gateway\n");
    ask(&gateway, &["drain", "cancel"]);
    let endpoint = a.address().to_string();
    let endpoint = ["--cluster", "main", "--endpoint", &endpoint];
    let begun = ask(&gateway, &[&["drain", "start"][..], &endpoint].concat());
    assert_eq!(begun, "draining\n");
    let clusters = ask(&gateway, &["clusters"]);
    assert!(clusters.contains("draining"), "{clusters}");
    ask(&gateway, &[&["drain", "cancel"][..], &endpoint].concat());
    let clusters = ask(&gateway, &["clusters"]);
    assert!(clusters.starts_with("CLUSTER  BALANCER"), "{clusters}");
    assert!(clusters.contains("serving"), "{clusters}");
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let a = Endpoint::named("a");
    let gateway = behind(&a);
    let nobody = format!("http://{}", dead_address());
    let said = fail(&["sessions", "list", "--admin", &nobody]);
    assert!(
        said.contains("nobody can be reached at 127.0.0.1:") && said.contains("--admin"),
        "{said}"
    );
    let said = fail(&["clusters", "--admin", "https://127.0.0.1:1"]);
    assert!(said.contains("has no TLS"), "{said}");
    let url = format!("http://{}", gateway.admin());
    let said = fail(&["sessions", "close", "--admin", &url]);
    assert!(
        said.contains("answers 400") && said.contains("`all=true`"),
        "{said}"
    );
    let said = fail(&["sessions", "close", "1", "--route", "main", "--admin", &url]);
    assert!(said.contains("either one session, or a filter"), "{said}");
    let said = fail(&["drain", "start", "--route", "none", "--admin", &url]);
    assert!(said.contains("there is no route none"), "{said}");
    let web = format!("http://{}", gateway.web());
    let said = fail(&["sessions", "list", "--admin", &web]);
    assert!(said.contains("is not a gateway's admin API"), "{said}");
}

#[test]
fn the_token_and_the_address_come_from_files() {
    const TOKEN: &str = "open-sesame-0123456789abcdef";
    let settings = Settings::to(&[dead_address()]).admin("token_file: token");
    let gateway = Gateway::start_beside(BINARY, &settings, &[("token", TOKEN)]);
    let url = format!("http://{}", gateway.admin());
    let said = fail(&["clusters", "--admin", &url]);
    assert!(
        said.contains("wants the admin token") && said.contains("--token-file"),
        "{said}"
    );

    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(folder.path().join("wrong"), "another-token-0123456789\n").unwrap();
    let said = fail(&["clusters", "--admin", &url, "--token-file", &path("wrong")]);
    assert!(said.contains("has another admin token"), "{said}");
    let said = fail(&["clusters", "--admin", &url, "--token-file", &path("none")]);
    assert!(said.contains("cannot be read"), "{said}");
    fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let said = run(&["clusters", "--admin", &url, "--token-file", &path("token")]);
    assert_eq!(said.code, Some(0), "{}", said.err);

    let address = format!("admin:\n  address: \"{}\"", gateway.admin());
    let yaml = settings
        .render()
        .replace("admin:\n  address: \"127.0.0.1:0\"", &address);
    fs::write(folder.path().join("switchyard.yaml"), &yaml).unwrap();
    let said = run(&["clusters", "--config", &path("switchyard.yaml")]);
    assert_eq!(said.code, Some(0), "{}", said.err);

    fs::write(folder.path().join("any.yaml"), settings.render()).unwrap();
    let said = fail(&["clusters", "--config", &path("any.yaml")]);
    assert!(
        said.contains("leaves the port of `admin.address` to the system"),
        "{said}"
    );
    let (without, _) = yaml.split_once("admin:").unwrap();
    fs::write(folder.path().join("none.yaml"), without).unwrap();
    let said = fail(&["clusters", "--config", &path("none.yaml")]);
    assert!(said.contains("has no `admin` section"), "{said}");
}
