//! The admin listener: metrics that Prometheus accepts, health, readiness, the token.

use std::io::Write as _;
use std::process::{Command, Stdio};

use switchyard_testkit::{Gateway, Response, Settings, Socket};

use crate::support::{BINARY, Stage, dead_address};

#[test]
fn prometheus_accepts_the_metrics() {
    let stage = Stage::new();
    let mut ends = stage.open();
    ends.talk();
    ends.client.into_socket().reset();
    stage.gateway.wait_metric("switchyard_sessions", &[], 0);
    let metrics = stage.gateway.metrics();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed");
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(metrics.text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        output.status.success() && said.is_empty(),
        "{said}\n{}",
        metrics.text
    );
}

#[test]
fn every_metric_is_there() {
    let stage = Stage::new();
    stage.open().talk();
    let text = stage.gateway.metrics().text;
    for name in [
        "switchyard_build_info",
        "switchyard_listener_connections",
        "switchyard_listener_connections_total",
        "switchyard_handshakes_total",
        "switchyard_handshake_seconds_bucket",
        "switchyard_sessions",
        "switchyard_frames_total",
        "switchyard_messages_total",
        "switchyard_message_bytes_bucket",
        "switchyard_bytes_total",
        "switchyard_backpressure_seconds_total",
        "switchyard_buffered_bytes",
        "switchyard_endpoint_sessions",
        "switchyard_endpoint_connect_seconds_bucket",
        "switchyard_affinity_total",
        "switchyard_drain_state",
        "process_resident_memory_bytes",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(name)),
            "{name} is missing:\n{text}"
        );
    }
    let build = stage
        .gateway
        .metrics()
        .count("switchyard_build_info", &[("version", "0.1.0")]);
    assert_eq!(build, 1);
}

#[test]
fn the_revision_is_that_of_the_sources() {
    let stage = Stage::new();
    let metrics = stage.gateway.metrics();
    let build = metrics.count("switchyard_build_info", &[("revision", &revision())]);
    assert_eq!(build, 1, "{}", metrics.text);
}

/// What a build from here says: the given revision, or the commit that is checked out.
fn revision() -> String {
    if let Some(given) = option_env!("SWITCHYARD_REVISION") {
        return given.to_owned();
    }
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let head = output.ok().filter(|output| output.status.success());
    let head = head.map(|output| String::from_utf8(output.stdout).expect("UTF-8"));
    head.map_or_else(|| "unknown".to_owned(), |head| head.trim().to_owned())
}

#[test]
fn no_label_comes_from_a_client() {
    let stage = Stage::new();
    let mut client = Socket::connect(stage.gateway.web());
    client.send(
        b"BREW /secret-path?secret-query HTTP/1.1\r\nHost: secret-host\r\nCookie: secret\r\n\r\n",
    );
    let mut server = stage.endpoint.accept();
    switchyard_testkit::Head::read(&mut server);
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    Response::read(&mut client);
    let text = stage.gateway.metrics().text;
    assert!(!text.contains("secret") && !text.contains("BREW"), "{text}");
}

#[test]
fn health_and_readiness() {
    let stage = Stage::new();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(stage.gateway.ask_admin(path).status(), 200, "{path}");
    }
    assert_eq!(stage.gateway.ask_admin("/nothing").status(), 404);
}

#[test]
fn the_admin_api_is_not_on_the_public_port() {
    let stage = Stage::with(|settings| settings.matching("path_prefix: /app"));
    for path in ["/metrics", "/healthz", "/readyz"] {
        let answer = switchyard_testkit::gateway::get(stage.gateway.web(), path);
        assert_eq!(answer.status(), 404, "{path}");
    }
}

#[test]
fn a_token_keeps_strangers_out() {
    let settings = Settings::to(&[dead_address()]).admin("token_file: token");
    let gateway = Gateway::start_beside(
        BINARY,
        &settings,
        &[("token", "open-sesame-0123456789abcdef\n")],
    );
    let ask = |authorization: &str| {
        let mut socket = Socket::connect(gateway.admin());
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: a\r\n{authorization}Connection: close\r\n\r\n");
        socket.send(request.as_bytes());
        Response::read(&mut socket).status()
    };
    assert_eq!(ask(""), 401);
    assert_eq!(ask("Authorization: Bearer open-sesame\r\n"), 401);
    assert_eq!(
        ask("Authorization: Bearer open-sesame-0123456789abcdef\r\n"),
        200
    );
    assert_eq!(
        gateway.ask_admin("/healthz").status(),
        200,
        "a probe has no token"
    );
}
