//! Clients that are not ours: curl, Python's `h2` and Chromium.

use std::process::Command;

use rustix::process::Signal;
use switchyard_testkit::head::read_body;
use switchyard_testkit::peer::Role;
use switchyard_testkit::{
    Certificate, Endpoint, Gateway, Head, Peer, Settings, Socket, clients, handshake,
};

use super::files;
use crate::support::{BINARY, gateway};

/// An endpoint that answers, echoes, and takes nothing from who comes as `/deaf`.
fn endpoint() -> Endpoint {
    Endpoint::serve(|mut socket: Socket| {
        while let Some(request) = Head::next(&mut socket) {
            if request.get("upgrade").is_some() {
                return converse(socket, request);
            }
            read_body(&mut socket, &request);
            socket.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
        }
    })
}

fn converse(mut socket: Socket, request: Head) {
    socket.send(&handshake::accept(&request, &[]));
    let is_deaf = request.target() == "/deaf";
    let peer = Peer::new(socket, Role::Endpoint, request);
    if is_deaf {
        std::mem::forget(peer);
    } else {
        switchyard_testkit::endpoint::echo(peer);
    }
}

fn over_tls(endpoint: &Endpoint) -> Gateway {
    let certificate = Certificate::of(&["localhost"]);
    let settings = Settings::to(&[endpoint.address()])
        .listener("tls: { certificates: [{ cert: a.crt, key: a.key }] }")
        .listener("extended_connect: on");
    Gateway::start_beside(BINARY, &settings, &files(&certificate))
}

#[track_caller]
fn curl(arguments: &[&str]) -> String {
    let usual = [
        "--silent",
        "--show-error",
        "--max-time",
        "60",
        "--noproxy",
        "*",
    ];
    let asked = ["--write-out", " over %{http_version}"];
    let mut command = Command::new("curl");
    command.args(usual).args(asked).args(arguments);
    let output = command.output().expect("curl is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn curl_gets_an_answer() {
    let endpoint = endpoint();
    let plain = gateway(&Settings::to(&[endpoint.address()]).listener("http2: on"));
    let url = format!("http://{}/", plain.web());
    assert_eq!(curl(&["--http2-prior-knowledge", &url]), "here over 2");
    assert_eq!(curl(&["--http1.1", &url]), "here over 1.1");
    let body = format!("@{}", plain.config().display());
    let posted = curl(&["--http2-prior-knowledge", "--data-binary", &body, &url]);
    assert_eq!(posted, "here over 2");

    let secure = over_tls(&endpoint);
    let port = secure.web().port();
    let trusted = secure.config().with_file_name("a.crt");
    let trusted = trusted.to_str().expect("text");
    let resolve = format!("localhost:{port}:127.0.0.1");
    let url = format!("https://localhost:{port}/");
    let secure = ["--cacert", trusted, "--resolve", &resolve];
    assert_eq!(
        curl(&[&secure[..], &["--http2", &url]].concat()),
        "here over 2"
    );
    let http1 = curl(&[&secure[..], &["--http1.1", &url]].concat());
    assert_eq!(http1, "here over 1.1");
}

#[test]
fn pythons_h2_opens_a_websocket() {
    let endpoint = endpoint();
    let gateway = over_tls(&endpoint);
    let trusted = gateway.config().with_file_name("a.crt");
    let port = gateway.web().port().to_string();
    let trusted = trusted.to_str().expect("text");
    let seen = clients::run("http2_client.py", &[&port, trusted]);
    assert_eq!(seen["alpn"], "h2");
    assert_eq!(seen["extended_connect"], 1);
    assert_eq!(seen["status"], "200");
    assert_eq!(seen["plain"], "here");
    assert_eq!(seen["echo"], "over HTTP/2 ".repeat(20));
    assert_eq!(seen["close"], 1000);
    let record = gateway.closed();
    assert_eq!(record["code"], 1000);
}

#[test]
fn chromium_has_a_hundred_sessions_on_one_connection() {
    let endpoint = endpoint();
    let gateway = over_tls(&endpoint);
    let url = format!("https://localhost:{}/", gateway.web().port());
    // One more is stalled, and together they are the streams that a connection may have.
    let mut browser = clients::start("http2_browser.mjs", &[&url, "99"]);
    let seen = browser
        .stdout()
        .wait_for("the page", |line| line["open"].is_u64());
    assert_eq!(seen["open"], 100);
    assert_eq!(seen["protocol"], "h2");
    let statuses = seen["statuses"].as_array().expect("statuses");
    assert_eq!(statuses.len(), 100);
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let labels = |protocol| [("route", "main"), ("protocol", protocol)];
    let metrics = gateway.metrics();
    let sessions = |protocol| metrics.count("switchyard_sessions", &labels(protocol));
    assert_eq!((sessions("h2"), sessions("h1")), (100, 0));
    let listener = [("listener", "web")];
    let connections = metrics.count("switchyard_listener_connections", &listener);
    // Browsers open one or two in advance.
    assert!(connections <= 3, "{connections}");
    browser.signal(Signal::TERM);
    browser.wait_exit();
    // Who waits for an endpoint to take something does not see its client go.
    gateway.wait_metric("switchyard_sessions", &labels("h2"), 1);
    drop(endpoint);
    gateway.wait_metric("switchyard_sessions", &labels("h2"), 0);
}

#[test]
fn chromium_opens_websockets_over_http1_where_http2_has_none() {
    let endpoint = endpoint();
    let certificate = Certificate::of(&["localhost"]);
    let settings = Settings::to(&[endpoint.address()])
        .listener("tls: { certificates: [{ cert: a.crt, key: a.key }] }");
    let gateway = Gateway::start_beside(BINARY, &settings, &files(&certificate));
    let url = format!("https://localhost:{}/", gateway.web().port());
    let browser = clients::start("http2_browser.mjs", &[&url, "3"]);
    let seen = browser
        .stdout()
        .wait_for("the page", |line| line["open"].is_u64());
    assert_eq!(seen["protocol"], "h2");
    assert_eq!(seen["statuses"], serde_json::json!([101, 101, 101, 101]));
    let labels = [("route", "main"), ("protocol", "h1")];
    assert_eq!(gateway.metrics().count("switchyard_sessions", &labels), 4);
}
