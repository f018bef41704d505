//! `HAProxy` before the gateway and behind it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use switchyard_testkit::{
    Certificate, Endpoint, HaProxy, Handshake, Settings, Socket, Trust, Tunnel, eventually,
    handshake,
};

use super::{assert_quiet, expecting, wait_result};
use crate::support::{Stage, gateway};

/// A client that is not the address `HAProxy` itself connects from.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));

/// A proxy that passes bytes through, with these words for its server, which is the gateway.
fn before(gateway: SocketAddr, words: &str) -> HaProxy {
    HaProxy::start(|front| {
        format!("listen front\n    bind {front}\n    server gateway {gateway} {words}\n")
    })
}

#[test]
fn the_client_before_haproxy_is_the_client() {
    for (words, result) in [
        ("send-proxy", "v1"),
        ("send-proxy-v2", "v2"),
        ("send-proxy-v2 proxy-v2-options crc32c,unique-id", "v2"),
    ] {
        let stage = Stage::with(expecting("any"));
        let proxy = before(stage.gateway.web(), words);
        let mut socket = Socket::connect_from(CLIENT, proxy.front());
        socket.send(&Handshake::to("/").encode());
        let mut server = stage.endpoint.accept_websocket();
        let head = server.head();
        assert_eq!(head.get("x-forwarded-for"), Some("127.0.0.77"), "{words}");
        let mut client = handshake::finish(socket);
        client.send_text("through two proxies");
        assert_eq!(server.receive_text(), "through two proxies");
        wait_result(&stage.gateway, result, 1);
    }
}

/// In version 1 `HAProxy` tells its own address, in version 2 it says `LOCAL`.
#[test]
fn checks_of_haproxy_are_quiet() {
    for (words, result) in [
        ("send-proxy check inter 100ms", "v1"),
        ("send-proxy-v2 check inter 100ms", "local"),
    ] {
        let stage = Stage::with(expecting("any"));
        let _proxy = before(stage.gateway.web(), words);
        let name = "switchyard_proxy_protocol_total";
        let count = |labels: &[_]| stage.gateway.metrics().count(name, labels);
        eventually("three checks", || {
            (count(&[("result", result)]) >= 3).then_some(())
        });
        assert_eq!(stage.gateway.metrics().about(name).len(), 1, "{words}");
        assert_quiet(&stage.gateway);
    }
}

#[test]
fn tls_that_haproxy_ends_is_the_clients() {
    let stage = Stage::with(|settings| {
        let settings = expecting("v2")(settings);
        settings.cluster("proxy_protocol: v2")
    });
    let certificate = Certificate::of(&["localhost"]);
    let pem = [&*certificate.pem, &*certificate.key].concat();
    let gateway = stage.gateway.web();
    let proxy = HaProxy::start_beside(&[("tls.pem", &pem)], |front| {
        format!(
            "listen front\n    bind {front} ssl crt tls.pem\n    \
             server gateway {gateway} send-proxy-v2-ssl-cn\n"
        )
    });
    let (_tunnel, mut socket) =
        Tunnel::open(proxy.front(), &Trust::of(&[&certificate]), "localhost").unwrap();
    socket.send(&Handshake::to("/").encode());
    let (header, head) = super::outgoing::told(&stage.endpoint);
    assert_eq!(head.get("x-forwarded-proto"), Some("https"));
    let header = switchyard_proto::proxy_protocol::Header::parse(&header).unwrap();
    assert_eq!(header.extras.tls.unwrap().version, Some(&b"TLSv1.3"[..]));
    handshake::finish(socket);
}

#[test]
fn haproxy_behind_the_gateway_sees_the_client() {
    for version in ["v1", "v2"] {
        let endpoint = Endpoint::bind();
        let server = endpoint.address();
        let proxy = HaProxy::start(|front| {
            format!(
                "listen behind\n    mode http\n    bind {front} accept-proxy\n    \
                 http-request set-header x-seen \"%[src]:%[src_port] %[dst]:%[dst_port]\"\n    \
                 http-request set-header x-unique %[fc_pp_unique_id]\n    \
                 server endpoint {server}\n"
            )
        });
        let line = format!("proxy_protocol: {version}");
        let settings = Settings::to(&[proxy.front()])
            .cluster(&line)
            .cluster("health: { tcp: {}, interval: 100ms }");
        let gateway = gateway(&settings);
        let mut socket = Socket::connect_from(CLIENT, gateway.web());
        let seen = format!("{} {}", socket.local(), gateway.web());
        socket.send(&Handshake::to("/").encode());
        let server = endpoint.accept_websocket();
        let head = server.head();
        assert_eq!(head.get("x-seen"), Some(&*seen), "{version}");
        if version == "v2" {
            assert_eq!(head.get("x-unique"), head.get("x-request-id"));
        }
        handshake::finish(socket);
        let up = "switchyard_endpoint_up";
        gateway.wait_metric(up, &[("cluster", "main")], 1);
    }
}
