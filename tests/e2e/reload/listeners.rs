//! Listeners come, go and move.

use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::Value;
use switchyard_testkit::gateway::get;
use switchyard_testkit::{Endpoint, Gateway, Handshake, Peer, Settings, Socket, handshake};

use super::asked;
use crate::support::{BINARY, Stage};

/// An address that was free a moment ago.
fn free() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address")
}

/// Where the listener `name` was said last to listen.
fn said(gateway: &Gateway, name: &str, count: usize) -> SocketAddr {
    let is_its = |line: &Value| line["message"] == "listening" && line["listener"] == name;
    let lines = gateway.log().wait_for_many(count, "listening", is_its);
    let address = lines[count - 1]["address"].as_str().expect("an address");
    address.parse().expect("an address")
}

fn more(name: &str, address: SocketAddr, settings: &Settings) -> String {
    let more = format!("listeners:\n  - {{ name: {name}, address: \"{address}\" }}\n");
    settings.render().replacen("listeners:\n", &more, 1)
}

#[test]
fn a_listener_that_is_added_serves_and_one_that_is_removed_is_closed() {
    let endpoint = Endpoint::bind();
    let settings = asked(Settings::to(&[endpoint.address()]));
    let stage = Stage::of(endpoint, &settings);
    let mut session = stage.open();
    let address = free();
    stage
        .gateway
        .rewrite_with(&more("more", address, &settings));
    stage.gateway.hang_up();
    stage.gateway.records(1, "reloaded");
    assert_eq!(said(&stage.gateway, "more", 1), address);
    let socket = Handshake::to("/").send(address);
    let mut server = stage.endpoint.accept_websocket();
    let mut client = handshake::finish(socket);
    client.send_text("in by the new one");
    assert_eq!(server.receive_text(), "in by the new one");
    let said = stage.gateway.reload(&settings, 2);
    assert_eq!(
        (&said["closing"], &said["unchanged"]),
        (&1.into(), &1.into())
    );
    assert_eq!(client.receive_close().0, 1012);
    let refused = TcpStream::connect(address).expect_err("it is closed");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    session.talk();
    stage.open().talk();
}

#[test]
fn a_listener_that_moves_opens_there_before_it_closes_here() {
    let endpoint = Endpoint::named("one");
    let (here, there) = (free(), free());
    let at = |address: SocketAddr| {
        let yaml = asked(Settings::to(&[endpoint.address()])).render();
        yaml.replacen("127.0.0.1:0", &address.to_string(), 1)
    };
    let gateway = Gateway::start_with(BINARY, &at(here));
    let mut session = Peer::connect(here, "/");
    gateway.rewrite_with(&at(there));
    gateway.hang_up();
    gateway.records(1, "reloaded");
    gateway.records(1, "closed");
    assert_eq!(session.receive_close().0, 1012);
    assert!(TcpStream::connect(here).is_err());
    Peer::connect(there, "/").close(1000);
}

#[test]
fn a_listener_by_another_name_takes_the_sockets_over() {
    let endpoint = Endpoint::named("one");
    let here = free();
    let yaml = asked(Settings::to(&[endpoint.address()])).render();
    let yaml = yaml.replacen("127.0.0.1:0", &here.to_string(), 1);
    let gateway = Gateway::start_with(BINARY, &yaml);
    // Somebody who waits to be accepted would be turned away if the socket were closed.
    let waiting: Vec<_> = (0..50)
        .map(|_| TcpStream::connect(here).expect("a place"))
        .collect();
    gateway.rewrite_with(&yaml.replacen("name: web", "name: edge", 1));
    gateway.hang_up();
    gateway.records(1, "reloaded");
    for socket in waiting {
        drop(socket);
        Peer::connect(here, "/").close(1000);
    }
    let labels = [("listener", "edge")];
    let total = "switchyard_listener_connections_total";
    assert!(gateway.metrics().count(total, &labels) > 0);
}

#[test]
fn limits_of_a_listener_hold_for_the_next_connection() {
    let endpoint = Endpoint::bind();
    let settings = asked(Settings::to(&[endpoint.address()]));
    let stage = Stage::of(endpoint, &settings);
    let mut session = stage.open();
    let said = stage
        .gateway
        .reload(&settings.listener("max_connections: 1"), 1);
    assert_eq!(said["unchanged"], 1);
    let labels = [("listener", "web"), ("reason", "max_connections")];
    let mut refused = Socket::connect(stage.gateway.web());
    refused.expect_end();
    stage
        .gateway
        .wait_metric("switchyard_listener_rejected_total", &labels, 1);
    session.talk();
}

#[test]
fn the_admin_listener_moves() {
    let endpoint = Endpoint::bind();
    let there = free();
    let settings = asked(Settings::to(&[endpoint.address()]));
    let stage = Stage::of(endpoint, &settings);
    let was = stage.gateway.admin();
    let at = format!("admin:\n  address: \"{}\"", "127.0.0.1:0");
    let yaml = settings.render();
    assert!(yaml.contains(&at), "{yaml}");
    stage
        .gateway
        .rewrite_with(&yaml.replace(&at, &at.replace("127.0.0.1:0", &there.to_string())));
    stage.gateway.hang_up();
    stage.gateway.records(1, "reloaded");
    assert_eq!(said(&stage.gateway, "admin", 2), there);
    assert_eq!(get(there, "/healthz").status(), 200);
    assert!(TcpStream::connect(was).is_err());
}
