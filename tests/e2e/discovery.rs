//! Endpoints that are looked up: who comes is given sessions, who leaves is given none and its
//! sessions are asked to go, and whoever cannot be asked changes nothing.

mod readiness;

use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod};
use switchyard_testkit::peer::Role;
use switchyard_testkit::{Dnsmasq, Endpoint, Gateway, Handshake, Head, Peer, Settings};

use crate::support::{BINARY, gateway};

/// A gateway whose one cluster is looked up as this line says.
fn looked_up(lines: &[&str]) -> Gateway {
    let settings = lines.iter().fold(Settings::looked_up(), |settings, line| {
        settings.cluster(line)
    });
    gateway(&settings.cluster("balancer: round_robin").drain("over: 0s"))
}

fn dns(server: &Dnsmasq, rest: &str) -> String {
    let address = server.address();
    format!(
        "dns: {{ name: chat.test, resolvers: [\"{address}\"], min_refresh: 50ms, retry: 50ms, {rest} }}"
    )
}

#[track_caller]
fn wait_endpoints(gateway: &Gateway, count: u64) {
    gateway.wait_metric(
        "switchyard_cluster_endpoints",
        &[("cluster", "main")],
        count,
    );
}

/// Whose sessions those are that are opened now.
fn names(gateway: &Gateway) -> Vec<String> {
    let mut names: Vec<_> = (0..6)
        .map(|_| {
            let peer = Peer::connect(gateway.web(), "/");
            peer.head().get("x-endpoint").expect("a name").to_owned()
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn srv(endpoint: &Endpoint) -> String {
    let port = endpoint.address().port();
    format!("srv-host=chat.test,host.test,{port},0,1")
}

#[test]
fn dns_is_followed_and_outlived() {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let host = "host-record=host.test,127.0.0.1";
    let mut server = Dnsmasq::start(&["local=/test/", host, &srv(&a)]);
    let gateway = looked_up(&[&dns(&server, "type: srv")]);
    wait_endpoints(&gateway, 1);
    assert_eq!(names(&gateway), ["a"]);
    let leaving = Peer::connect(gateway.web(), "/");

    server.restart(&["local=/test/", host, &srv(&a), &srv(&b)]);
    wait_endpoints(&gateway, 2);
    assert_eq!(names(&gateway), ["a", "b"]);

    server.restart(&["local=/test/", host, &srv(&b)]);
    wait_endpoints(&gateway, 1);
    assert_eq!(names(&gateway), ["b"]);
    assert_eq!(leaving.answer_close(), 1012);
    let labels = [("reason", "endpoint_left"), ("initiator", "gateway")];
    gateway.wait_metric("switchyard_session_closes_total", &labels, 1);

    // Nobody answers, then somebody who knows nothing: the last good answer holds.
    server.stop();
    let failed = |reason: &str| {
        switchyard_testkit::eventually("a failed lookup", || {
            let failures = gateway
                .metrics()
                .count("switchyard_discovery_failures_total", &[("reason", reason)]);
            (failures > 0).then_some(())
        });
    };
    failed("dns_timeout");
    assert_eq!(names(&gateway), ["b"]);
    server.restart(&["local=/test/"]);
    failed("dns_no_name");
    assert_eq!(names(&gateway), ["b"]);
}

#[test]
fn until_there_is_an_answer_clients_are_told_to_come_back() {
    let endpoint = Endpoint::named("a");
    let port = endpoint.address().port();
    let mut server = Dnsmasq::start(&["local=/test/"]);
    let gateway = looked_up(&[&dns(&server, &format!("port: {port}"))]);
    let refused = Head::read(&mut Handshake::to("/").send(gateway.web()));
    assert_eq!(refused.status(), 503);
    assert!(refused.get("retry-after").is_some());
    server.restart(&["local=/test/", "host-record=chat.test,127.0.0.1"]);
    wait_endpoints(&gateway, 1);
    assert_eq!(names(&gateway), ["a"]);
}

#[test]
fn sessions_of_who_left_may_stay() {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let host = "host-record=host.test,127.0.0.1";
    let mut server = Dnsmasq::start(&["local=/test/", host, &srv(&a)]);
    let gateway = looked_up(&[&dns(&server, "type: srv"), "on_removed: keep"]);
    wait_endpoints(&gateway, 1);
    let mut stays = Peer::connect(gateway.web(), "/");
    server.restart(&["local=/test/", host, &srv(&b)]);
    gateway
        .log()
        .wait_for("a to leave", |line| line["message"] == "left");
    assert_eq!(names(&gateway), ["b"]);
    stays.send_text("still here");
    assert_eq!(stays.receive_text(), "still here");
}

fn slice(name: &str, endpoint: &Endpoint) -> EndpointSlice {
    EndpointSlice::new("chat", name, endpoint.address().port())
}

#[test]
fn kubernetes_is_followed_and_outlived() {
    let (a, b) = (Endpoint::named("a"), Endpoint::named("b"));
    let mut server = ApiServer::start();
    server.set(&slice("one", &a).pod(Pod::ready("127.0.0.1")));
    let kubeconfig = server.kubeconfig();
    let watched = format!(
        "kubernetes: {{ namespace: default, service: chat, port: ws, kubeconfig: {} }}",
        kubeconfig.display()
    );
    let gateway = looked_up(&[&watched]);
    wait_endpoints(&gateway, 1);
    assert_eq!(names(&gateway), ["a"]);
    let leaving = Peer::connect(gateway.web(), "/");

    server.set(&slice("two", &b).pod(Pod::ready("127.0.0.1")));
    wait_endpoints(&gateway, 2);
    assert_eq!(names(&gateway), ["a", "b"]);

    // On its way out it is still there, and gets no more.
    server.set(&slice("one", &a).pod(Pod::leaving("127.0.0.1")));
    assert_eq!(leaving.answer_close(), 1012);
    assert_eq!(names(&gateway), ["b"]);
    wait_endpoints(&gateway, 2);
    server.delete("default", "one");
    wait_endpoints(&gateway, 1);

    server.stop();
    let unreachable = [("reason", "api_unreachable")];
    switchyard_testkit::eventually("the API server to be missed", || {
        let failures = gateway
            .metrics()
            .count("switchyard_discovery_failures_total", &unreachable);
        (failures > 0).then_some(())
    });
    assert_eq!(names(&gateway), ["b"]);
    server.come_back();
    server.set(&slice("one", &a).pod(Pod::ready("127.0.0.1")));
    wait_endpoints(&gateway, 2);
    assert_eq!(names(&gateway), ["a", "b"]);
}

#[test]
fn explain_says_that_endpoints_are_looked_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("switchyard.yaml");
    let settings = Settings::looked_up().cluster("dns: { name: chat.test, port: 9 }");
    std::fs::write(&file, settings.render()).expect("written");
    let explained = std::process::Command::new(BINARY)
        .args(["explain", "--config"])
        .arg(&file)
        .arg("http://chat.example.com/")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&explained.stdout);
    assert!(
        text.contains("looked up by the gateway when it runs"),
        "{text}"
    );
}

#[test]
fn a_handshake_that_was_under_way_when_its_endpoint_left_is_asked_to_go_too() {
    let endpoint = Endpoint::bind();
    let server = ApiServer::start();
    let slice = EndpointSlice::new("chat", "one", endpoint.address().port());
    server.set(&slice.clone().pod(Pod::ready("127.0.0.1")));
    let watched = format!(
        "kubernetes: {{ namespace: default, service: chat, port: ws, kubeconfig: {} }}",
        server.kubeconfig().display()
    );
    let gateway = looked_up(&[&watched]);
    wait_endpoints(&gateway, 1);
    let client = Handshake::to("/").send(gateway.web());
    let mut socket = endpoint.accept();
    let request = Head::read(&mut socket);
    server.set(&slice.pod(Pod::leaving("127.0.0.1")));
    gateway
        .log()
        .wait_for("the endpoint to leave", |line| line["message"] == "left");
    socket.send(&switchyard_testkit::handshake::accept(&request, &[]));
    let server_side = Peer::new(socket, Role::Endpoint, request);
    let client = switchyard_testkit::handshake::finish(client);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(server_side.answer_close(), 1012));
        assert_eq!(client.answer_close(), 1012);
    });
}
