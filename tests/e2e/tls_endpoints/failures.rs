//! Endpoints that are not who they should be, speak no TLS, or break it: each has a reason, and the
//! next in order is asked where nothing was sent.

use std::net::SocketAddr;

use serde_json::Value;
use switchyard_testkit::{
    Certificate, Cover, Endpoint, Frame, Gateway, Handshake, Head, Response, Settings, Socket,
};

use crate::support::BINARY;

use super::{Stage, beside, trusting, wait_handshakes};

/// What a handshake and a plain request are answered.
#[track_caller]
fn statuses(gateway: &Gateway) -> [u16; 2] {
    let handshake = Head::read(&mut Handshake::to("/").send(gateway.web()));
    let plain = switchyard_testkit::gateway::get(gateway.web(), "/");
    [handshake.status(), plain.status()]
}

#[track_caller]
fn wait_failures(gateway: &Gateway, reason: &str, count: u64) {
    let labels = [("cluster", "main"), ("reason", reason)];
    gateway.wait_metric("switchyard_endpoint_failures_total", &labels, count);
}

/// What was warned of before two requests were over.
#[track_caller]
fn warnings(gateway: &Gateway) -> Vec<Value> {
    gateway.records(2, "request");
    let mut lines = gateway.log().so_far();
    lines.retain(|line| line["level"] == "WARN");
    lines
}

#[test]
fn who_cannot_be_trusted_gets_nothing() {
    let endpoint = Endpoint::named("one");
    let good = Certificate::of(&["chat.test"]);
    let names = Certificate::of(&["other.test", "127.0.0.1"]);
    let expired = Certificate::expired(&["chat.test"]);
    let stranger = Certificate::of(&["chat.test"]);
    for (shown, trusted, result) in [
        (&names, &names, "wrong_name"),
        (&expired, &expired, "expired"),
        (&stranger, &good, "unknown_issuer"),
    ] {
        let cover = Cover::before(endpoint.address(), shown);
        let gateway = trusting(trusted, Settings::to(&[cover.address()]));
        assert_eq!(statuses(&gateway), [502, 502], "{result}");
        wait_failures(&gateway, "tls_untrusted", 2);
        wait_handshakes(&gateway, cover.address(), result, "no", 2);
        // The endpoint is told why, and somebody is told once.
        assert!(cover.next().unwrap_err().contains("alert"), "{result}");
        let warnings = warnings(&gateway);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert_eq!(warnings[0]["expected"], "chat.test", "{warnings:?}");
        let labels = [("result", "tls_untrusted")];
        let refused = gateway
            .metrics()
            .count("switchyard_handshakes_total", &labels);
        assert_eq!(refused, 1);
    }
}

#[test]
fn without_a_file_this_machines_authorities_decide() {
    let endpoint = Endpoint::named("one");
    let certificate = Certificate::of(&["127.0.0.1"]);
    let cover = Cover::before(endpoint.address(), &certificate);
    let settings = Settings::to(&[cover.address()]).cluster("tls: {}");
    let gateway = beside(&settings, &certificate);
    assert_eq!(statuses(&gateway), [502, 502]);
    wait_handshakes(&gateway, cover.address(), "unknown_issuer", "no", 2);
}

#[test]
fn a_server_that_speaks_no_tls_is_told_from_one_that_says_nothing() {
    let certificate = Certificate::of(&["chat.test"]);
    let plain = Endpoint::serve(|mut socket| {
        let _ = socket.try_send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        socket.drain();
    });
    let gateway = trusting(&certificate, Settings::to(&[plain.address()]));
    assert_eq!(statuses(&gateway), [502, 502]);
    wait_failures(&gateway, "tls_failed", 2);
    wait_handshakes(&gateway, plain.address(), "not_tls", "no", 2);

    let goes = Endpoint::serve(|mut socket| {
        let _: [u8; 1] = socket.receive();
        socket.finish();
    });
    let gateway = trusting(&certificate, Settings::to(&[goes.address()]));
    assert_eq!(statuses(&gateway), [502, 502]);
    wait_failures(&gateway, "tls_failed", 2);

    let silent = Endpoint::bind();
    let settings = Settings::to(&[silent.address()]).cluster("connect_timeout: 200ms");
    let gateway = trusting(&certificate, settings);
    assert_eq!(statuses(&gateway), [504, 504]);
    wait_failures(&gateway, "tls_timeout", 2);
    wait_handshakes(&gateway, silent.address(), "timeout", "no", 2);
}

/// Handshakes and requests that go to the second of two endpoints, because the first fails.
#[track_caller]
fn passed_over(first: SocketAddr, reason: &str) {
    let endpoint = Endpoint::named("live");
    let certificate = Certificate::of(&["chat.test"]);
    let cover = Cover::before(endpoint.address(), &certificate);
    let settings = Settings::to(&[first, cover.address()])
        .cluster("balancer: round_robin")
        .cluster("connect_timeout: 1s");
    let gateway = trusting(&certificate, settings);
    for _ in 0..2 {
        let answer = switchyard_testkit::gateway::get(gateway.web(), "/");
        assert_eq!((answer.status(), answer.text()), (200, "live"));
        let answer = Head::read(&mut Handshake::to("/").send(gateway.web()));
        assert_eq!(
            (answer.status(), answer.get("x-endpoint")),
            (101, Some("live"))
        );
    }
    wait_failures(&gateway, reason, 2);
}

#[test]
fn an_endpoint_that_never_answers_is_passed_over() {
    let silent = Endpoint::bind();
    passed_over(silent.address(), "tls_timeout");
}

#[test]
fn an_endpoint_that_cannot_be_trusted_is_passed_over() {
    let impostor = Endpoint::named("impostor");
    let cover = Cover::before(impostor.address(), &Certificate::of(&["chat.test"]));
    passed_over(cover.address(), "tls_untrusted");
}

#[test]
fn an_endpoint_that_fails_again_and_again_is_ejected() {
    let impostor = Endpoint::named("impostor");
    let endpoint = Endpoint::named("live");
    let certificate = Certificate::of(&["chat.test"]);
    let bad = Cover::before(impostor.address(), &Certificate::of(&["chat.test"]));
    let good = Cover::before(endpoint.address(), &certificate);
    let settings = Settings::to(&[bad.address(), good.address()])
        .cluster("balancer: round_robin")
        .cluster("outlier: { consecutive_failures: 3, eject_for: 1h }");
    let gateway = trusting(&certificate, settings);
    for _ in 0..12 {
        let answer = switchyard_testkit::gateway::get(gateway.web(), "/");
        assert_eq!(answer.text(), "live");
    }
    wait_failures(&gateway, "tls_untrusted", 3);
    let address = bad.address().to_string();
    let labels = [("endpoint", &*address), ("reason", "unanswered")];
    gateway.wait_metric("switchyard_endpoint_ejections_total", &labels, 1);
}

#[test]
fn rubbish_in_the_middle_ends_its_session_and_no_other() {
    let stage = Stage::new();
    let (mut broken, mut ends) = stage.open();
    ends.talk();
    let (_other, mut others) = stage.open();
    others.talk();
    broken.break_in(&[&[23, 3, 3, 0, 40][..], &[0; 40]].concat());
    assert_eq!(ends.client.receive_close().0, 1012);
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], "upstream", "{record}");
    assert_eq!(record["code"], 1006, "{record}");
    assert_eq!(record["reason"], "reset", "{record}");
    others.talk();
    others.client.send(&Frame::close(1000, ""));
    assert_eq!(others.server.receive_close().0, 1000);
}

#[test]
fn rubbish_instead_of_an_answer_is_a_failure_of_tls() {
    let stage = Stage::new();
    let mut socket = Handshake::to("/").send(stage.gateway.web());
    let mut guest = stage.cover.guest();
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    guest.break_in(&[&[23, 3, 3, 0, 40][..], &[0; 40]].concat());
    assert_eq!(Head::read(&mut socket).status(), 502);
    wait_failures(&stage.gateway, "tls_failed", 1);
    // And the same for a plain request.
    let mut socket = Socket::connect(stage.gateway.web());
    socket.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut guest = stage.cover.guest();
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    guest.break_in(&[&[23, 3, 3, 0, 40][..], &[0; 40]].concat());
    assert_eq!(Response::read(&mut socket).status(), 502);
    wait_failures(&stage.gateway, "tls_failed", 2);
}

#[test]
fn verification_can_be_skipped_and_everyone_is_told() {
    let endpoint = Endpoint::named("one");
    let certificate = Certificate::expired(&["other.test"]);
    let cover = Cover::before(endpoint.address(), &certificate);
    let settings =
        Settings::to(&[cover.address()]).cluster("tls: { dangerously_skip_verification: true }");
    let gateway = beside(&settings, &certificate);
    assert_eq!(statuses(&gateway), [101, 200]);
    let labels = [("cluster", "main")];
    gateway.wait_metric("switchyard_cluster_tls_unverified", &labels, 1);
    let warned = |line: &Value| line["level"] == "WARN";
    let line = gateway.log().wait_for("a warning", warned);
    assert_eq!(line["cluster"], "main", "{line}");
}

#[test]
fn a_connection_that_one_cluster_trusts_is_not_used_by_another() {
    let endpoint = Endpoint::named("one");
    let (good, other) = (
        Certificate::of(&["chat.test"]),
        Certificate::of(&["chat.test"]),
    );
    let cover = Cover::before(endpoint.address(), &good);
    let address = cover.address();
    let wary = format!(
        "{{ name: wary, endpoints: [{{ address: \"{address}\" }}], \
         tls: {{ ca: other.pem, server_name: chat.test }} }}"
    );
    let settings = Settings::to(&[address])
        .workers(1)
        .cluster("tls: { ca: ca.pem, server_name: chat.test }")
        .first_route("{ name: wary, match: { path_exact: /wary }, cluster: wary }")
        .another_cluster(&wary);
    let files = [("ca.pem", &*good.pem), ("other.pem", &*other.pem)];
    let gateway = Gateway::start_beside(BINARY, &settings, &files);
    let status = |path| switchyard_testkit::gateway::get(gateway.web(), path).status();
    assert_eq!([status("/"), status("/wary"), status("/")], [200, 502, 200]);
}
