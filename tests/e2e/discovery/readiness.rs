//! A new process is ready once whoever is asked for endpoints has answered, and that is never taken back.

use std::process::Command;
use std::thread;

use serde_json::Value;
use switchyard_testkit::kubernetes::{ApiServer, Pod};
use switchyard_testkit::lines::message;
use switchyard_testkit::{Dnsmasq, Endpoint, Gateway, Settings, eventually};

use super::{dns, looked_up, names, slice, wait_endpoints};
use crate::support::{BINARY, dead_address, gateway};
use crate::upgrade::upgrade;

/// What `/readyz` says now, which it says with the status that goes with it.
#[track_caller]
fn said(gateway: &Gateway) -> String {
    let answer = gateway.ask_admin("/readyz");
    let body: Value = serde_json::from_str(answer.text()).expect("JSON");
    let word = body["status"].as_str().expect("a word");
    let status = if word == "ready" { 200 } else { 503 };
    assert_eq!(answer.status(), status, "{word}");
    word.to_owned()
}

#[track_caller]
fn wait_ready(gateway: &Gateway) {
    eventually("it to be ready", || {
        (said(gateway) == "ready").then_some(())
    });
}

/// So often has discovery failed for this reason.
#[track_caller]
fn wait_failures(gateway: &Gateway, reason: &str, count: u64) {
    eventually("failures", || {
        let failures = gateway
            .metrics()
            .count("switchyard_discovery_failures_total", &[("reason", reason)]);
        (failures >= count).then_some(())
    });
}

fn watched(server: &ApiServer, rest: &str) -> String {
    let kubeconfig = server.kubeconfig();
    format!(
        "kubernetes: {{ namespace: default, service: chat, port: ws, kubeconfig: {}, {rest} }}",
        kubeconfig.display()
    )
}

#[test]
fn a_gateway_that_kubernetes_refuses_is_not_ready_until_it_does_not_and_then_for_good() {
    let server = ApiServer::start();
    let endpoint = Endpoint::named("a");
    server.set(&slice("one", &endpoint).pod(Pod::ready("127.0.0.1")));
    server.refuse(403);
    let gateway = looked_up(&[&watched(&server, "")]);
    wait_failures(&gateway, "api_refused", 2);
    assert_eq!(said(&gateway), "discovery");
    let probed = Command::new(BINARY)
        .args(["probe", "--ready", "--admin"])
        .arg(format!("http://{}", gateway.admin()))
        .output()
        .expect("it runs");
    let error = String::from_utf8_lossy(&probed.stderr);
    assert_eq!(error, "not ready: discovery\n");

    server.accept_again();
    wait_ready(&gateway);
    assert_eq!(names(&gateway), ["a"]);

    server.refuse(403);
    server.end_watches();
    wait_failures(&gateway, "api_refused", 4);
    assert_eq!(said(&gateway), "ready");
}

#[test]
fn a_service_without_pods_is_an_answer() {
    let server = ApiServer::start();
    let gateway = looked_up(&[&watched(&server, "")]);
    wait_ready(&gateway);
    wait_endpoints(&gateway, 0);
}

#[test]
fn a_name_that_is_not_there_is_an_answer_and_silence_is_none() {
    let mut server = Dnsmasq::start(&["local=/test/"]);
    server.stop();
    let lookup = dns(&server, "port: 9, timeout: 100ms, max_refresh: 100ms");
    let gateway = looked_up(&[&lookup]);
    wait_failures(&gateway, "dns_timeout", 2);
    assert_eq!(said(&gateway), "discovery");
    // Who knows nothing of the name refuses it.
    server.restart(&[]);
    wait_failures(&gateway, "dns_refused", 1);
    assert_eq!(said(&gateway), "discovery");
    server.restart(&["local=/test/"]);
    wait_ready(&gateway);
    server.stop();
    wait_failures(&gateway, "dns_timeout", 3);
    assert_eq!(said(&gateway), "ready");
}

#[test]
fn a_cluster_that_is_not_required_is_not_waited_for() {
    let server = ApiServer::start();
    server.refuse(403);
    let gateway = looked_up(&[&watched(&server, "required: off")]);
    assert_eq!(said(&gateway), "ready");
    wait_failures(&gateway, "api_refused", 1);
    assert_eq!(said(&gateway), "ready");
}

#[test]
fn what_a_reload_adds_is_not_waited_for_and_what_it_takes_away_not_any_more() {
    let endpoint = Endpoint::named("a");
    let dead = dead_address();
    let another = format!(
        "{{ name: late, dns: {{ name: chat.test, port: 9, resolvers: [\"{dead}\"], timeout: 100ms }} }}"
    );
    let alone = Settings::to(&[endpoint.address()]);
    let both = alone.clone().another_cluster(&another);
    let grown = gateway(&alone);
    assert_eq!(said(&grown), "ready");
    grown.reload(&both, 1);
    wait_failures(&grown, "dns_timeout", 1);
    assert_eq!(said(&grown), "ready");

    let begun = gateway(&both);
    wait_failures(&begun, "dns_timeout", 1);
    assert_eq!(said(&begun), "discovery");
    begun.reload(&alone, 1);
    assert_eq!(said(&begun), "ready");
}

#[test]
fn other_settings_of_a_cluster_that_is_waited_for_are_waited_for_in_its_place() {
    let server = Dnsmasq::start(&["local=/test/", "host-record=chat.test,127.0.0.1"]);
    let wrong = format!(
        "dns: {{ name: chat.test, port: 9, resolvers: [\"{}\"], timeout: 100ms }}",
        dead_address()
    );
    let gateway = gateway(&Settings::looked_up().cluster(&wrong));
    assert_eq!(said(&gateway), "discovery");
    gateway.reload(&Settings::looked_up().cluster(&dns(&server, "port: 9")), 1);
    wait_ready(&gateway);
}

#[test]
fn it_is_said_which_clusters_are_waited_for() {
    let server = ApiServer::start();
    server.refuse(401);
    let gateway = looked_up(&[&watched(&server, "")]);
    let waits = |line: &Value| line["clusters"] == "main" && line["level"] == "WARN";
    gateway.log().wait_for("the clusters", waits);
    server.accept_again();
    gateway.log().wait_for("the end of it", |line| {
        message(line, "discovery of every cluster has been answered")
    });
    wait_ready(&gateway);
}

#[test]
fn a_process_that_takes_over_knows_its_clusters_first() {
    let endpoint = Endpoint::named("a");
    let host = "host-record=chat.test,127.0.0.1";
    let mut server = Dnsmasq::start(&["local=/test/", host]);
    let port = endpoint.address().port();
    let lookup = dns(
        &server,
        &format!("port: {port}, timeout: 100ms, max_refresh: 100ms"),
    );
    let mut gateway = looked_up(&[&lookup]);
    wait_ready(&gateway);
    server.stop();
    let old = gateway.id();
    thread::scope(|scope| {
        let upgrading = scope.spawn(|| upgrade(old));
        gateway.log().wait_for("the new process to wait", |line| {
            line["clusters"] == "main" && line["level"] == "WARN"
        });
        // Meanwhile the old one serves by what it knows.
        assert_eq!(said(&gateway), "ready");
        assert_eq!(names(&gateway), ["a"]);
        server.restart(&["local=/test/", host]);
        let _successor = upgrading.join().expect("it is upgraded");
        assert_eq!(gateway.wait_exit().code(), Some(0));
        assert_eq!(said(&gateway), "ready");
        assert_eq!(names(&gateway), ["a"]);
    });
}
