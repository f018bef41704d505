//! The image, as far as one can go without a container engine: its root file system, and the gateway in it as the first
//! process of its own, without rights and with nothing to write to.

mod agreement;
mod content;
mod jail;

use std::net::TcpListener;

use rustix::process::Signal;
use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod, Request};
use switchyard_testkit::peer::Role;
use switchyard_testkit::{Dnsmasq, Endpoint, Handshake, Head, Peer, Settings, eventually};

use jail::{Jail, Root};

/// What the image runs, and how it is asked whether it is ready.
const RUN: [&str; 3] = ["run", "--config", "/etc/switchyard/config/switchyard.yaml"];
const HEALTH: [&str; 4] = [
    "probe",
    "--ready",
    "--config",
    "/etc/switchyard/config/switchyard.yaml",
];

/// Settings with an admin API at a port that a probe can find: nobody else uses this address of the loopback.
fn settings(endpoint: &Endpoint) -> String {
    let free = TcpListener::bind("127.0.0.9:0").expect("a free port");
    let address = free.local_addr().expect("bound");
    let settings = Settings::to(&[endpoint.address()]).drain("ready_delay: 0s");
    let settings = settings.drain("over: 0s").workers_auto().render();
    settings.replace(
        "admin:\n  address: \"127.0.0.1:0\"",
        &format!("admin:\n  address: \"{address}\"\n  token_file: ../keys/admin-token"),
    )
}

/// Opens a session once the gateway knows an endpoint.
#[track_caller]
fn connect_when_found(jail: &Jail) -> Peer {
    eventually("the endpoint to be found", || {
        let mut socket = Handshake::to("/").send(jail.address("web"));
        let head = Head::read(&mut socket);
        (head.status() == 101).then(|| Peer::new(socket, Role::Client, head))
    })
}

#[test]
fn the_gateway_serves_and_drains_without_rights_or_a_place_to_write() {
    let endpoint = Endpoint::named("a");
    let root = Root::build();
    let mut jail = Jail::prepare(&root, &settings(&endpoint)).start(&RUN);
    let mut client = Peer::connect(jail.address("web"), "/");
    client.send_text("through the image");
    assert_eq!(client.receive_text(), "through the image");

    let (code, out, err) = jail.run(&HEALTH);
    assert_eq!((code, out.as_str()), (Some(0), "ready\n"), "{err}");

    let status = jail.status();
    assert!(jail.is_its_user(), "{status:?}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status[set], "0000000000000000", "{set}");
    }
    assert_eq!(status["NoNewPrivs"], "1");
    assert_eq!(
        status["NSpid"].split('\t').next_back(),
        Some("1"),
        "it is not the first process"
    );
    assert!(jail.is_read_only(), "its root can be written to");

    jail.signal(Signal::TERM);
    assert_eq!(client.answer_close(), 1012);
    assert_eq!(jail.wait_exit().code(), Some(0));
}

/// With it the container would end, and everything in it.
#[test]
fn the_first_process_is_not_replaced() {
    let endpoint = Endpoint::named("a");
    let root = Root::build();
    let mut jail = Jail::prepare(&root, &settings(&endpoint)).start(&RUN);
    let mut client = Peer::connect(jail.address("web"), "/");
    jail.signal(Signal::USR2);
    let line = jail
        .log()
        .wait_for("a refusal", |line| line["reason"] == "first_process");
    assert_eq!(line["message"], "not upgraded, and going on");
    client.send_text("still here");
    assert_eq!(client.receive_text(), "still here");
    jail.signal(Signal::TERM);
    assert_eq!(client.answer_close(), 1012);
    assert_eq!(jail.wait_exit().code(), Some(0));
}

/// A container runtime that is restarted says again what it has said.
#[test]
fn a_first_process_that_is_terminated_twice_cuts_nobody_until_it_is_interrupted() {
    let endpoint = Endpoint::named("a");
    let root = Root::build();
    let mut jail = Jail::prepare(&root, &settings(&endpoint)).start(&RUN);
    let patient = Peer::connect(jail.address("web"), "/");
    let mut stays = Peer::connect(jail.address("web"), "/");
    jail.signal(Signal::TERM);
    assert_eq!(stays.receive_close().0, 1012);
    jail.signal(Signal::TERM);
    jail.log().wait_for("the second to be heard", |line| {
        line["message"] == "SIGTERM again: leaving as before; SIGINT cuts"
    });
    // It is asked and answers, as in any drain.
    assert_eq!(patient.answer_close(), 1012);
    jail.signal(Signal::INT);
    assert_eq!(jail.wait_exit().code(), Some(3));
}

#[test]
fn a_draining_gateway_is_not_healthy() {
    let endpoint = Endpoint::named("a");
    let root = Root::build();
    let mut jail = Jail::prepare(&root, &settings(&endpoint)).start(&RUN);
    let client = Peer::connect(jail.address("web"), "/");
    jail.signal(Signal::TERM);
    let said = eventually("the drain to begin", || {
        let (code, _, err) = jail.run(&HEALTH);
        (code == Some(1)).then_some(err)
    });
    assert_eq!(said, "not ready: draining\n");
    assert_eq!(client.answer_close(), 1012);
    assert_eq!(jail.wait_exit().code(), Some(0));
}

#[test]
fn names_are_looked_up_and_the_authorities_of_the_system_found() {
    let dns = Dnsmasq::start(&["host-record=chat.test,127.0.0.1,60"]);
    let endpoint = Endpoint::named("a");
    let root = Root::build();
    let port = endpoint.address().port();
    let found = format!(
        "dns: {{ name: chat.test, port: {port}, resolvers: [\"{}\"] }}",
        dns.address()
    );
    let settings = Settings::looked_up()
        .cluster(&found)
        // Its `tls` is for the authorities that are in the image.
        .another_cluster("{ name: web, endpoints: [{ address: \"127.0.0.1:9\" }], tls: {} }")
        .first_route("{ name: web, match: { path: /web }, cluster: web }")
        .render();
    let jail = Jail::prepare(&root, &settings).start(&RUN);
    let mut client = connect_when_found(&jail);
    client.send_text("by name");
    assert_eq!(client.receive_text(), "by name");
    // By the system's own resolver, and the hosts that the runtime gives.
    let url = format!("ws://gateway.test:{}/", jail.address("web").port());
    let (code, out, err) = jail.run(&["probe", "--echo", &url]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("echo after "), "{out}");
}

#[test]
fn endpoints_are_followed_in_the_namespace_of_the_pod() {
    let endpoint = Endpoint::named("a");
    let server = ApiServer::start_for_pods();
    let slice = EndpointSlice::new("chat", "chat-a", endpoint.address().port());
    let mut slice = slice.pod(Pod::ready("127.0.0.1"));
    slice.namespace = "edge".to_owned();
    server.set(&slice);
    let settings = Settings::looked_up().cluster("kubernetes: { service: chat, port: ws }");
    let root = Root::build();
    let jail = Jail::prepare(&root, &settings.render()).in_cluster(&server, "edge");
    let jail = jail.start(&RUN);
    server.requests_until(|requests| requests.iter().any(Request::is_watch));
    let mut client = connect_when_found(&jail);
    client.send_text("found");
    assert_eq!(client.receive_text(), "found");
}

#[test]
fn every_command_that_needs_no_gateway_works() {
    let root = Root::build();
    let endpoint = Endpoint::named("a");
    let jail = Jail::prepare(&root, &settings(&endpoint));
    let (code, out, err) = jail.run(&["--version"]);
    assert_eq!(
        (code, out),
        (
            Some(0),
            format!("switchyard {}\n", env!("CARGO_PKG_VERSION"))
        ),
        "{err}"
    );
    let config = RUN[2];
    let (code, out, err) = jail.run(&["check", "--config", config]);
    assert_eq!((code, out), (Some(0), format!("{config}: ok\n")), "{err}");
}

#[test]
fn what_cannot_be_written_is_told_so() {
    let root = Root::build();
    let endpoint = Endpoint::named("a");
    let settings = settings(&endpoint) + "log: { access: { file: /access.log } }\n";
    let jail = Jail::prepare(&root, &settings);
    let (code, out, err) = jail.run(&RUN);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        err.contains("/access.log") && err.contains("Read-only file system"),
        "{err}"
    );
}
