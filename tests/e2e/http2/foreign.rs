//! Clients that are not ours: curl and Python's `h2`. Those of nghttp2, node's and the browsers have files of
//! their own.

use std::net::SocketAddr;
use std::process::Command;

use switchyard_testkit::head::read_body;
use switchyard_testkit::peer::Role;
use switchyard_testkit::{
    Certificate, Endpoint, Gateway, Head, Peer, Settings, Socket, clients, handshake,
};

use super::files;
use crate::support::{BINARY, gateway};

/// An endpoint that answers, echoes, and takes nothing from who comes as `/deaf`.
pub(super) fn endpoint() -> Endpoint {
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

/// A gateway over TLS, with a certificate for `localhost`.
#[track_caller]
pub(super) fn over_tls(endpoint: SocketAddr, change: impl FnOnce(Settings) -> Settings) -> Gateway {
    let certificate = Certificate::of(&["localhost"]);
    let settings =
        Settings::to(&[endpoint]).listener("tls: { certificates: [{ cert: a.crt, key: a.key }] }");
    Gateway::start_beside(BINARY, &change(settings), &files(&certificate))
}

pub(super) fn with_websockets(settings: Settings) -> Settings {
    settings.listener("extended_connect: on")
}

/// The file with the certificate that clients of this gateway have to trust.
pub(super) fn trusted(gateway: &Gateway) -> String {
    let file = gateway.config().with_file_name("a.crt");
    file.to_str().expect("text").to_owned()
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

    let secure = over_tls(endpoint.address(), with_websockets);
    let port = secure.web().port();
    let trusted = trusted(&secure);
    let resolve = format!("localhost:{port}:127.0.0.1");
    let url = format!("https://localhost:{port}/");
    let secure = ["--cacert", &trusted, "--resolve", &resolve];
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
    let gateway = over_tls(endpoint.address(), with_websockets);
    let port = gateway.web().port().to_string();
    let seen = clients::run("http2_client.py", &[&port, &trusted(&gateway)]);
    assert_eq!(seen["alpn"], "h2");
    assert_eq!(seen["extended_connect"], 1);
    assert_eq!(seen["status"], "200");
    assert_eq!(seen["plain"], "here");
    assert_eq!(seen["echo"], "over HTTP/2 ".repeat(20));
    assert_eq!(seen["close"], 1000);
    let record = gateway.closed();
    assert_eq!(record["code"], 1000);
}
