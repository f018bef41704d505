//! What endpoints of a cluster with `proxy_protocol` are told.

use std::net::SocketAddr;

use switchyard_proto::proxy_protocol::{Accepts, Extent, Header, Source, measure};
use switchyard_testkit::{Endpoint, Handshake, Head, Settings, Socket, Trust, Tunnel, handshake};

use super::{address, expecting, wire};
use crate::support::Stage;

/// Reads a header of version 2, and no byte behind it.
#[track_caller]
fn receive(socket: &mut Socket) -> Vec<u8> {
    let mut bytes = socket.receive_vec(1);
    loop {
        match measure(&bytes, Accepts::Any).expect("a header") {
            Extent::Part { of } => bytes.extend(socket.receive_vec(of - bytes.len())),
            Extent::Whole { length } => {
                assert_eq!(length, bytes.len());
                return bytes;
            }
        }
    }
}

/// What the next connection to the endpoint begins with; its handshake is agreed to.
#[track_caller]
pub(super) fn told(endpoint: &switchyard_testkit::endpoint::Accepted) -> (Vec<u8>, Head) {
    let mut socket = endpoint.accept();
    let header = receive(&mut socket);
    let head = Head::read(&mut socket);
    socket.send(&handshake::accept(&head, &[]));
    (header, head)
}

#[track_caller]
fn source(header: &[u8]) -> (SocketAddr, SocketAddr) {
    match Header::parse(header).unwrap().source {
        Source::Told {
            client,
            destination,
        } => (client, destination),
        other @ (Source::Local | Source::Unknown) => panic!("{other:?}"),
    }
}

#[test]
fn an_endpoint_is_told_the_client_and_the_listener() {
    for version in ["v1", "v2"] {
        let line = format!("proxy_protocol: {version}");
        let stage = Stage::with(|settings| settings.cluster(&line));
        let socket = Handshake::to("/").send(stage.gateway.web());
        let (header, head) = told(&stage.endpoint);
        assert_eq!(source(&header), (socket.local(), stage.gateway.web()));
        let parsed = Header::parse(&header).unwrap();
        assert_eq!(parsed.extras.tls, None);
        let id = head.get("x-request-id").unwrap();
        match version {
            "v1" => assert_eq!(parsed.extras.unique_id, None),
            _ => assert_eq!(parsed.extras.unique_id, Some(id.as_bytes())),
        }
        handshake::finish(socket);
    }
}

#[test]
fn what_was_told_is_told_on() {
    let stage = Stage::with(|settings| {
        let settings = expecting("any")(settings);
        settings.cluster("proxy_protocol: v2")
    });
    let (client, destination) = (address("192.0.2.1:7"), address("198.51.100.1:443"));
    let mut socket = Socket::connect(stage.gateway.web());
    socket.send(&wire::v2(client, destination, &wire::tls()));
    socket.send(&Handshake::to("/").encode());
    let (header, _) = told(&stage.endpoint);
    assert_eq!(source(&header), (client, destination));
    let tls = Header::parse(&header).unwrap().extras.tls.unwrap();
    assert_eq!(tls.version, Some(&b"TLSv1.3"[..]));
    handshake::finish(socket);
    // Behind another proxy only the client's address is known.
    let mut socket = Socket::connect(stage.gateway.web());
    socket.send(&wire::v1(address("10.0.0.1:7"), destination));
    let forwarded = Handshake::to("/").with("X-Forwarded-For", "2001:db8::9");
    socket.send(&forwarded.encode());
    let (header, _) = told(&stage.endpoint);
    let mapped = address("[::ffff:198.51.100.1]:443");
    assert_eq!(source(&header), (address("[2001:db8::9]:0"), mapped));
    handshake::finish(socket);
}

#[test]
fn an_endpoint_is_told_that_the_client_came_over_tls() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]).cluster("proxy_protocol: v2");
    let (gateway, certificates) = crate::tls::gateway(settings, &[&["localhost"]]);
    let trust = Trust::of(&[&certificates[0]]);
    let (_tunnel, mut socket) = Tunnel::open(gateway.web(), &trust, "localhost").unwrap();
    socket.send(&Handshake::to("/").encode());
    let (header, _) = told(&endpoint);
    assert_eq!(source(&header).1, gateway.web());
    let tls = Header::parse(&header).unwrap().extras.tls.unwrap();
    assert_eq!(tls.version, Some(&b"TLSv1.3"[..]));
    handshake::finish(socket);
}

#[test]
fn every_plain_request_has_a_connection_of_its_own() {
    let stage = Stage::with(|settings| settings.cluster("proxy_protocol: v1"));
    let mut client = Socket::connect(stage.gateway.web());
    let mut answered = Vec::new();
    for _ in 0..3 {
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        let mut server = stage.endpoint.accept();
        assert_eq!(source(&receive(&mut server)).0, client.local());
        Head::read(&mut server);
        server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        let response = switchyard_testkit::Response::read(&mut client);
        assert_eq!(response.text(), "ok");
        answered.push(server);
    }
    for mut server in answered {
        server.expect_end();
    }
}
