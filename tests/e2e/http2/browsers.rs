//! Chromium and Firefox: many WebSockets of one page, over HTTP/2 where the gateway says that they may.

use rustix::process::Signal;
use serde_json::Value;
use switchyard_testkit::{Endpoint, Gateway, Process, Settings, clients};

use super::foreign::{endpoint, over_tls, trusted, with_websockets};

/// The scripts that drive one each.
const CHROMIUM: &str = "http2_chromium.mjs";
const FIREFOX: &str = "http2_firefox.mjs";

/// Bytes that are many times a stream's window, and that a browser still has to send.
const STALLED: u64 = 1 << 20;

/// A browser whose page has `count` sessions that have had their echo, and one that is stalled.
struct Visit {
    endpoint: Endpoint,
    gateway: Gateway,
    browser: Process,
    seen: Value,
}

impl Visit {
    #[track_caller]
    fn with(script: &str, count: u64, change: impl FnOnce(Settings) -> Settings) -> Self {
        let endpoint = endpoint();
        let gateway = over_tls(endpoint.address(), change);
        let url = format!("https://localhost:{}/", gateway.web().port());
        let arguments = [&url, &count.to_string(), &trusted(&gateway)];
        let browser = clients::start(script, &arguments.map(String::as_str));
        let seen = browser
            .stdout()
            .wait_for("the page", |line| line["open"].is_u64());
        Self {
            endpoint,
            gateway,
            browser,
            seen,
        }
    }

    /// The browser is told to go, and has gone.
    #[track_caller]
    fn leave(&mut self) {
        self.browser.signal(Signal::TERM);
        self.browser.wait_exit();
    }

    fn sessions(&self, protocol: &str) -> u64 {
        let labels = [("route", "main"), ("protocol", protocol)];
        self.gateway.metrics().count("switchyard_sessions", &labels)
    }
}

/// One stalled, and together the streams that a connection may have.
#[track_caller]
fn a_hundred_sessions_on_one_connection(script: &str) -> Value {
    let mut visit = Visit::with(script, 99, |settings| {
        with_websockets(settings).websocket("close_timeout: 1s")
    });
    let seen = &visit.seen;
    assert_eq!(seen["open"], 100);
    assert_eq!(seen["protocol"], "h2");
    assert!(seen["unsent"].as_u64() > Some(STALLED), "{seen}");
    let statuses = seen["statuses"].as_array().expect("statuses");
    assert_eq!(statuses.len(), 100);
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!((visit.sessions("h2"), visit.sessions("h1")), (100, 0));
    let listener = [("listener", "web")];
    let metrics = visit.gateway.metrics();
    let connections = metrics.count("switchyard_listener_connections", &listener);
    // Browsers open one or two in advance.
    assert!(connections <= 3, "{connections}");
    visit.leave();
    // Who waits for an endpoint to take something does not see its client go.
    drop(visit.endpoint);
    let left = [("route", "main"), ("protocol", "h2")];
    visit.gateway.wait_metric("switchyard_sessions", &left, 0);
    visit.seen
}

/// Where HTTP/2 has no WebSockets.
#[track_caller]
fn sessions_over_http1(script: &str) -> Value {
    let mut visit = Visit::with(script, 3, |settings| settings);
    assert_eq!(visit.seen["protocol"], "h2");
    let switched = serde_json::json!([101, 101, 101, 101]);
    assert_eq!(visit.seen["statuses"], switched);
    assert_eq!((visit.sessions("h2"), visit.sessions("h1")), (0, 4));
    visit.leave();
    visit.seen
}

#[test]
fn chromium_has_a_hundred_sessions_on_one_connection() {
    a_hundred_sessions_on_one_connection(CHROMIUM);
}

#[test]
fn chromium_opens_websockets_over_http1_where_http2_has_none() {
    sessions_over_http1(CHROMIUM);
}

#[test]
fn firefox_has_a_hundred_sessions_on_one_connection() {
    let seen = a_hundred_sessions_on_one_connection(FIREFOX);
    assert_eq!(seen["protocols"], serde_json::json!(["h2"]));
}

#[test]
fn firefox_opens_websockets_over_http1_where_http2_has_none() {
    let seen = sessions_over_http1(FIREFOX);
    assert_eq!(seen["protocols"], serde_json::json!(["http/1.1"]));
}
