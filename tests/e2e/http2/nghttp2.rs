//! The clients of nghttp2, whose library curl, Apache and many proxies speak HTTP/2 with: `nghttp` for what
//! a client may do with a request, `h2load` for many of them.

use std::process::Command;

use switchyard_testkit::head::read_body;
use switchyard_testkit::{Endpoint, Gateway, Head, Metrics, Settings, Socket};

use super::foreign::over_tls;
use crate::support::gateway;

/// Requests of a load, by how many connections with how many streams at a time.
const LOAD: u64 = 10_000;
const CONNECTIONS: u64 = 10;
const STREAMS: u64 = 100;

/// Several windows of a stream.
const UPLOAD: usize = 200_000;

/// An endpoint that sends bodies back, and says so where there is none.
fn endpoint() -> Endpoint {
    Endpoint::serve(|mut socket: Socket| {
        while let Some(request) = Head::next(&mut socket) {
            let mut body = read_body(&mut socket, &request);
            if body.is_empty() {
                body = b"empty".to_vec();
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            socket.send(&[head.as_bytes(), &body].concat());
        }
    })
}

/// With time for the endpoint to accept: it may get a thousand connections at once.
fn patient(settings: Settings) -> Settings {
    settings.cluster("connect_timeout: 20s")
}

fn by_prior_knowledge(endpoint: &Endpoint) -> (Gateway, String) {
    let settings = Settings::to(&[endpoint.address()]).listener("http2: on");
    let gateway = gateway(&patient(settings));
    let url = format!("http://{}/", gateway.web());
    (gateway, url)
}

/// What `nghttp` gets.
#[track_caller]
fn nghttp(arguments: &[&str]) -> String {
    run("nghttp", &[&["--timeout=30"], arguments].concat())
}

/// What a client says that ends well.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|_| panic!("{program} is missing: run tests/setup first"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// How many plain requests there were that were reads or writes, with this status.
fn requests(metrics: &Metrics, method: &str, status: &str) -> u64 {
    let labels = [("method", method), ("status", status)];
    metrics.count("switchyard_http_requests_total", &labels)
}

/// Everything that a load was is counted, and nothing beside it.
#[track_caller]
fn bears_the_load(gateway: &Gateway, url: &str) {
    let [load, connections, streams] = [LOAD, CONNECTIONS, STREAMS].map(|it| it.to_string());
    let size = ["-n", &load, "-c", &connections, "-m", &streams];
    let patience = "--connection-inactivity-timeout=30";
    let said = run("h2load", &[&size[..], &[patience, url]].concat());
    let all = format!(
        "requests: {LOAD} total, {LOAD} started, {LOAD} done, {LOAD} succeeded, 0 failed, 0 errored, 0 timeout"
    );
    assert!(said.contains(&all), "{said}");
    let ended = "switchyard_http2_connections_ended_total";
    gateway.wait_metric(ended, &[], CONNECTIONS);
    let metrics = gateway.metrics();
    // h2load drops its sockets when it has all answers. Where it has not read all that was sent to one, the system
    // resets it, which may overtake its goodbye.
    let well = ["closed", "broken"].map(|it| metrics.count(ended, &[("reason", it)]));
    let reasons = metrics.about(ended);
    assert_eq!(well.iter().sum::<u64>(), CONNECTIONS, "{reasons:?}");
    let count = |name| metrics.count(name, &[]);
    assert_eq!(count("switchyard_listener_connections_total"), CONNECTIONS);
    assert_eq!(count("switchyard_listener_connections"), 0);
    assert_eq!(requests(&metrics, "read", "200"), LOAD);
    assert_eq!(count("switchyard_http_requests_total"), LOAD);
    assert_eq!(count("switchyard_http_request_seconds_count"), LOAD);
}

#[test]
fn h2load_has_no_failure_by_prior_knowledge() {
    let endpoint = endpoint();
    let (gateway, url) = by_prior_knowledge(&endpoint);
    bears_the_load(&gateway, &url);
}

#[test]
fn h2load_has_no_failure_over_tls() {
    let endpoint = endpoint();
    let gateway = over_tls(endpoint.address(), patient);
    let url = format!("https://localhost:{}/", gateway.web().port());
    bears_the_load(&gateway, &url);
}

#[test]
fn nghttp_sends_a_body_in_every_way_that_it_knows() {
    let endpoint = endpoint();
    let (gateway, url) = by_prior_knowledge(&endpoint);
    let body = "x".repeat(UPLOAD);
    let file = gateway.config().with_file_name("body");
    std::fs::write(&file, &body).expect("a file");
    let file = file.to_str().expect("text");
    let ways: [&[&str]; 7] = [
        &[],
        &["--no-content-length"],
        &["--padding=100"],
        &["--trailer", "x-sum: 1"],
        &["--expect-continue"],
        &["--window-bits=10"],
        &[
            "--window-bits=20",
            "--connection-window-bits=16",
            "--header-table-size=0",
        ],
    ];
    for way in ways {
        let echoed = nghttp(&[way, &["--data", file, &url]].concat());
        assert!(echoed == body, "{way:?}: {} bytes", echoed.len());
    }
    let ways = ways.len() as u64;
    assert_eq!(requests(&gateway.metrics(), "write", "200"), ways);
}

#[test]
fn nghttp_has_a_hundred_uploads_on_one_connection() {
    let endpoint = endpoint();
    let gateway = over_tls(endpoint.address(), patient);
    let url = format!("https://localhost:{}/", gateway.web().port());
    let file = gateway.config().with_file_name("body");
    std::fs::write(&file, "x".repeat(UPLOAD)).expect("a file");
    let file = file.to_str().expect("text");
    let echoed = nghttp(&["--multiply=100", "--data", file, &url]);
    // They are written as they come, in pieces of all.
    assert_eq!(echoed.len(), 100 * UPLOAD);
    assert!(echoed.bytes().all(|byte| byte == b'x'));
    let metrics = gateway.metrics();
    assert_eq!(requests(&metrics, "write", "200"), 100);
    assert_eq!(
        metrics.count("switchyard_listener_connections_total", &[]),
        1
    );
}

#[test]
fn nghttp_is_told_that_its_head_is_too_large() {
    let endpoint = endpoint();
    let (_gateway, url) = by_prior_knowledge(&endpoint);
    // Fields of 24 KiB, for which there have to be CONTINUATION frames.
    let said = nghttp(&["--continuation", "--verbose", &url]);
    assert!(said.contains(":status: 431"), "{said}");
    let more = nghttp(&[&url]);
    assert_eq!(more, "empty");
}
