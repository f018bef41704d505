//! `switchyard probe`: how a gateway is, and whether a WebSocket through one works, told by an exit code.

mod echo;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;

use rustix::process::Signal;
use switchyard_testkit::{Endpoint, Gateway, PATIENCE, Peer, Settings, eventually};
use tempfile::TempDir;

use crate::support::{BINARY, dead_address, gateway, order};

/// More than any buffer on the way has.
const ENDLESS: usize = 256 << 20;

/// What it prints when all is well.
#[track_caller]
fn well(arguments: &[&str]) -> String {
    let (code, out, err) = probe(arguments);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}: {out}");
    out
}

/// What it says on standard error when something is not.
#[track_caller]
fn amiss(arguments: &[&str]) -> String {
    let (code, out, err) = probe(arguments);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}: {err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    err
}

/// Its exit code, and what is on its standard output and error.
fn probe(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(BINARY)
        .arg("probe")
        .args(arguments)
        .output()
        .expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A configuration of which nothing is right but that its admin API is at `address`.
fn config(folder: &TempDir, address: SocketAddr) -> String {
    let path = folder.path().join("switchyard.yaml");
    let text = format!("admin: {{ address: \"{address}\", token_file: nowhere }}\nroutes: 7\n");
    fs::write(&path, text).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_gateway_says_that_it_is_ready_and_that_it_leaves() {
    let endpoint = Endpoint::named("a");
    let settings = Settings::to(&[endpoint.address()]).drain("ready_delay: 0s");
    let settings = settings.drain("over: 0s").admin("token_file: token");
    let token = [("token", "sixteen bytes and more")];
    let mut gateway = Gateway::start_beside(BINARY, &settings, &token);
    let url = format!("http://{}", gateway.admin());
    assert_eq!(well(&["--ready", "--admin", &url]), "ready\n");
    assert_eq!(well(&["--live", "--admin", &url]), "ok\n");
    // It has no token, and what else is in the file does not count.
    let folder = TempDir::new().expect("a folder");
    let path = config(&folder, gateway.admin());
    assert_eq!(well(&["--ready", "--config", &path]), "ready\n");

    let session = Peer::connect(gateway.web(), "/");
    gateway.signal(Signal::TERM);
    eventually("the drain to begin", || {
        (order(&gateway, "GET", "/readyz", "").status() == 503).then_some(())
    });
    assert_eq!(
        amiss(&["--ready", "--config", &path]),
        "not ready: draining\n"
    );
    assert_eq!(well(&["--live", "--config", &path]), "ok\n");
    assert_eq!(session.answer_close(), 1012);
    assert!(gateway.wait_exit().success());
    let said = amiss(&["--ready", "--config", &path]);
    assert!(said.starts_with("nobody can be reached at"), "{said}");
}

#[test]
fn what_is_no_gateway_is_told_so() {
    let dead = format!("http://{}", dead_address());
    for word in ["--ready", "--live"] {
        let said = amiss(&[word, "--admin", &dead]);
        assert!(
            said.contains("Connection refused") && said.contains("--config"),
            "{said}"
        );
    }
    let endpoint = Endpoint::named("an endpoint");
    let said = amiss(&[
        "--ready",
        "--admin",
        &format!("http://{}", endpoint.address()),
    ]);
    assert!(
        said.ends_with("answers 200 OK and no JSON: it is not a gateway's admin API\n"),
        "{said}"
    );
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let said = amiss(&["--live", "--admin", &url, "--timeout", "50ms"]);
    assert!(said.contains("did not answer within 50ms"), "{said}");
}

#[test]
fn an_answer_without_end_is_not_read_to_it() {
    let endpoint = Endpoint::bind();
    let url = format!("http://{}", endpoint.address());
    for word in ["--ready", "--live"] {
        let said = thread::scope(|scope| {
            let probing = scope.spawn(|| amiss(&[word, "--admin", &url]));
            let mut socket = endpoint.accept();
            socket.receive_through(b"\r\n\r\n");
            socket.send(b"HTTP/1.1 200 OK\r\n\r\n");
            // It goes before all of this has come.
            assert!(socket.fill(&[b' '; 4096], PATIENCE, ENDLESS) < ENDLESS);
            probing.join().expect("it does not panic")
        });
        let told = "answers 200 OK and more than the 64 KiB that are read";
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_configuration_without_an_address_is_told_so() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("switchyard.yaml");
    let path = path.to_str().expect("UTF-8");
    for (text, told) in [
        ("routes: []\n", "has no `admin` section"),
        (
            "admin: { address: \"127.0.0.1:0\" }\n",
            "leaves the port of `admin.address` to the system",
        ),
    ] {
        fs::write(path, text).expect("a file");
        let said = amiss(&["--ready", "--config", path]);
        assert!(said.contains(told), "{said}");
    }
    for text in ["admin: { address: here }\n", "admin: {}\n", "admin: [\n"] {
        fs::write(path, text).expect("a file");
        let (code, _, said) = probe(&["--ready", "--config", path]);
        assert_eq!(code, Some(1));
        assert!(said.contains(&format!("{path}:1:")), "{text}: {said}");
    }
}

#[test]
fn exactly_one_thing_is_asked() {
    let url = "ws://127.0.0.1:1/";
    let wrong: [&[&str]; 7] = [
        &[],
        &["--ready", "--live"],
        &["--ready", "--echo", url],
        &["--echo", url, "--admin", "http://127.0.0.1:1"],
        &["--ready", "--connect", "127.0.0.1:1"],
        &["--live", "-H", "A: b"],
        &["--ready", "--timeout", "soon"],
    ];
    for arguments in wrong {
        let (code, _, said) = probe(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
    }
}
