//! PROXY headers: whom clients are taken for on a listener that expects them, who is turned away, and
//! what endpoints are told.

mod haproxy;
mod outgoing;
mod wire;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use serde_json::Value;
use switchyard_testkit::{
    Endpoint, Gateway, Handshake, Head, Response, Settings, Socket, Trust, Tunnel,
};

use crate::support::{Stage, gateway};

/// Who is told to be the client.
const CLIENTS: [&str; 2] = ["192.0.2.1:56324", "[2001:db8::7]:1"];

/// Where it is told to have connected to.
fn destination(client: SocketAddr) -> SocketAddr {
    let of_its_family = match client {
        SocketAddr::V4(_) => "198.51.100.1:443",
        SocketAddr::V6(_) => "[2001:db8::1]:443",
    };
    of_its_family.parse().unwrap()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// One header of each kind for this client.
fn headers(client: SocketAddr) -> [Vec<u8>; 2] {
    let destination = destination(client);
    [
        wire::v1(client, destination),
        wire::v2(client, destination, b""),
    ]
}

/// The loopback is trusted, but for addresses that other clients have.
fn expecting(versions: &str) -> impl FnOnce(Settings) -> Settings {
    let line = format!("proxy_protocol: {versions}");
    move |settings| {
        settings
            .top("trusted_proxies: [127.0.0.1/32, 10.0.0.0/8]")
            .listener(&line)
    }
}

#[track_caller]
fn wait_result(gateway: &Gateway, result: &str, count: u64) {
    let labels = [("listener", "web"), ("result", result)];
    gateway.wait_metric("switchyard_proxy_protocol_total", &labels, count);
}

/// No line that somebody would have to look at, up to that of a request that comes `through` last.
#[track_caller]
fn assert_quiet_through(gateway: &Gateway, mut through: Socket) {
    through.send(b"GET /last HTTP/1.1\r\n\r\n");
    assert_eq!(Response::read(&mut through).status(), 400);
    gateway
        .log()
        .wait_for("the last line", |line| line["path"] == "/last");
    let loud = |line: &Value| line["level"] == "WARN" || line["level"] == "ERROR";
    let lines = gateway.log().so_far();
    assert!(!lines.iter().any(loud), "{lines:?}");
}

/// The same on a listener without TLS.
#[track_caller]
fn assert_quiet(gateway: &Gateway) {
    let mut socket = Socket::connect(gateway.web());
    socket.send(&wire::local());
    assert_quiet_through(gateway, socket);
}

/// Sends `bytes` and a handshake in one piece; the head that the endpoint gets.
#[track_caller]
fn head_behind(stage: &Stage, bytes: &[u8], handshake: &Handshake) -> Head {
    let mut socket = Socket::connect(stage.gateway.web());
    socket.send(&[bytes, &handshake.encode()].concat());
    let server = stage.endpoint.accept_websocket();
    switchyard_testkit::handshake::finish(socket);
    server.head().clone()
}

#[test]
fn the_address_that_is_told_is_the_clients() {
    let stage = Stage::with(expecting("any"));
    for client in CLIENTS.map(address) {
        for header in headers(client) {
            let head = head_behind(&stage, &header, &Handshake::to("/"));
            let ip = client.ip().to_string();
            assert_eq!(head.get("x-forwarded-for"), Some(&*ip));
            assert_eq!(head.get("x-forwarded-proto"), Some("http"));
            let forwarded = head.get("forwarded").unwrap();
            assert!(forwarded.contains(&ip), "{forwarded}");
        }
    }
    let opened = stage.gateway.records(4, "session opened");
    for (record, client) in opened.iter().zip(["192.0.2.1", "192.0.2.1", "2001:db8::7"]) {
        assert_eq!(record["client"], client, "{record}");
    }
    wait_result(&stage.gateway, "v1", 2);
    wait_result(&stage.gateway, "v2", 2);
}

#[test]
fn a_header_may_come_byte_by_byte() {
    let stage = Stage::with(expecting("any"));
    let client = address(CLIENTS[0]);
    let long = wire::v2(client, destination(client), &[4; 3 + 0x0404]);
    for header in headers(client).into_iter().chain([long]) {
        let mut socket = Socket::connect(stage.gateway.web());
        for byte in [header, Handshake::to("/").encode()].concat() {
            socket.send(&[byte]);
        }
        let server = stage.endpoint.accept_websocket();
        assert_eq!(server.head().get("x-forwarded-for"), Some("192.0.2.1"));
        switchyard_testkit::handshake::finish(socket);
    }
}

#[test]
fn what_follows_a_header_in_its_segment_is_not_lost() {
    let stage = Stage::with(expecting("any"));
    let client = address(CLIENTS[0]);
    for header in headers(client) {
        let mut socket = Socket::connect(stage.gateway.web());
        // A frame behind the handshake, which a client may not send yet, and that is not lost either.
        let early = [
            header,
            Handshake::to("/").encode(),
            b"\x81\x80\0\0\0\0".to_vec(),
        ]
        .concat();
        socket.send(&early);
        let mut server = stage.endpoint.accept_websocket();
        assert_eq!(server.receive_text(), "");
        switchyard_testkit::handshake::finish(socket);
    }
}

/// TLS behind `header`.
#[track_caller]
fn behind(header: &[u8], gateway: &Gateway, trust: &Trust) -> (Tunnel, Socket) {
    let mut tcp = TcpStream::connect(gateway.web()).unwrap();
    tcp.write_all(header).unwrap();
    Tunnel::over(tcp, trust, "localhost").unwrap()
}

#[test]
fn a_header_comes_before_tls() {
    let endpoint = Endpoint::bind();
    let settings = expecting("any")(Settings::to(&[endpoint.address()]));
    let (gateway, certificates) = crate::tls::gateway(settings, &[&["localhost"]]);
    let trust = Trust::of(&[&certificates[0]]);
    for header in headers(address(CLIENTS[0])) {
        let (_tunnel, mut socket) = behind(&header, &gateway, &trust);
        socket.send(&Handshake::to("/").encode());
        let server = endpoint.accept_websocket();
        assert_eq!(server.head().get("x-forwarded-for"), Some("192.0.2.1"));
        assert_eq!(server.head().get("x-forwarded-proto"), Some("https"));
        switchyard_testkit::handshake::finish(socket);
    }
    // Without one, TLS is something else.
    Tunnel::open(gateway.web(), &trust, "localhost").unwrap_err();
    wait_result(&gateway, "missing", 1);
}

/// A proxy for one connection, which sends `header` in one piece with what the client sends first.
fn gluing(header: Vec<u8>, gateway: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut first = vec![0; 16 * 1024];
        let length = client.read(&mut first).unwrap();
        let mut server = TcpStream::connect(gateway).unwrap();
        server
            .write_all(&[&header, &first[..length]].concat())
            .unwrap();
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        // Either way ends when its connection does.
        thread::spawn(move || io::copy(&mut from, &mut to));
        let _ = io::copy(&mut client, &mut server);
    });
    address
}

#[test]
fn a_client_hello_may_come_in_one_segment_with_the_header() {
    let endpoint = Endpoint::named("one");
    let settings = expecting("any")(Settings::to(&[endpoint.address()]));
    let (gateway, certificates) = crate::tls::gateway(settings, &[&["localhost"]]);
    let trust = Trust::of(&[&certificates[0]]);
    for header in headers(address(CLIENTS[0])) {
        let proxy = gluing(header, gateway.web());
        let (_tunnel, mut socket) = Tunnel::open(proxy, &trust, "localhost").unwrap();
        socket.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(Response::read(&mut socket).text(), "one");
    }
}

#[test]
fn who_is_not_trusted_is_not_heard() {
    let stage = Stage::with(expecting("any"));
    let stranger = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    for header in headers(address(CLIENTS[0])) {
        let mut socket = Socket::connect_from(stranger, stage.gateway.web());
        // It may be closed before it is written.
        let _ = socket.try_send(&[header, Handshake::to("/").encode()].concat());
        assert!(socket.drain().0.is_empty());
    }
    // Nor is it served without one.
    let mut socket = Socket::connect_from(stranger, stage.gateway.web());
    assert!(socket.drain().0.is_empty());
    wait_result(&stage.gateway, "untrusted", 3);
    assert!(!stage.endpoint.has_more());
    assert_quiet(&stage.gateway);
}

#[test]
fn what_is_no_header_is_closed_and_counted() {
    let stage = Stage::with(expecting("any"));
    let oversized = [&wire::SIGNATURE[..], &[0x21, 0x11, 0x10, 0x01]].concat();
    let mut broken_sum = wire::with_checksum();
    *broken_sum.last_mut().unwrap() ^= 1;
    for (bytes, result, count) in [
        (Handshake::to("/").encode(), "missing", 1),
        (b"\x16\x03\x01\x02\0\x01".to_vec(), "missing", 2),
        (b"PUT / HTTP/1.1\r\n\r\n".to_vec(), "missing", 3),
        (b"PROXY TCP4 nobody nowhere\r\n".to_vec(), "malformed", 1),
        (wire::with_body([0x21, 0x11], &[1]), "malformed", 2),
        (broken_sum, "malformed", 3),
        (b"PROXY ".repeat(20), "too_long", 1),
        (oversized, "too_long", 2),
        (wire::with_body([0x31, 0x11], &[0; 12]), "version", 1),
    ] {
        let mut socket = Socket::connect(stage.gateway.web());
        socket.send(&bytes);
        assert!(socket.drain().0.is_empty(), "{result}");
        wait_result(&stage.gateway, result, count);
    }
    assert!(!stage.endpoint.has_more());
    assert_quiet(&stage.gateway);
}

#[test]
fn a_checksum_that_is_right_is_taken() {
    let stage = Stage::with(expecting("v2"));
    let head = head_behind(&stage, &wire::with_checksum(), &Handshake::to("/"));
    assert_eq!(head.get("x-forwarded-for"), Some("192.0.2.1"));
}

#[test]
fn only_the_version_that_is_allowed_is_taken() {
    for (allowed, other) in [("v1", 1), ("v2", 0)] {
        let stage = Stage::with(expecting(allowed));
        let headers = headers(address(CLIENTS[0]));
        let mut socket = Socket::connect(stage.gateway.web());
        socket.send(&headers[other]);
        assert!(socket.drain().0.is_empty());
        wait_result(&stage.gateway, "version", 1);
        head_behind(&stage, &headers[1 - other], &Handshake::to("/"));
        wait_result(&stage.gateway, allowed, 1);
    }
}

#[test]
fn a_header_that_does_not_become_whole_is_not_waited_for() {
    let stage =
        Stage::with(|settings| expecting("any")(settings).listener("handshake_timeout: 300ms"));
    for begin in [&b""[..], b"PROXY TCP4 192.0.2.1", &wire::local()[..14]] {
        let mut socket = Socket::connect(stage.gateway.web());
        socket.send(begin);
        assert!(socket.drain().0.is_empty());
    }
    wait_result(&stage.gateway, "timeout", 3);
    for begin in [&b""[..], b"PROXY TCP4 192.0.2.1", &wire::local()[..14]] {
        let mut socket = Socket::connect(stage.gateway.web());
        socket.send(begin);
        socket.finish();
        assert!(socket.drain().0.is_empty());
    }
    wait_result(&stage.gateway, "gone", 3);
    assert_quiet(&stage.gateway);
}

#[test]
fn the_time_for_a_header_is_part_of_the_time_for_the_first_head() {
    let stage = Stage::with(|settings| {
        expecting("any")(settings)
            .listener("handshake_timeout: 2s")
            .http("request_timeout: 1s")
    });
    let header = wire::local();
    let mut early = Socket::connect(stage.gateway.web());
    // A second later, as long as a request that is not answered takes.
    let mut asking = Socket::connect(stage.gateway.web());
    asking.send(&[&header[..], b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"].concat());
    let _mute = stage.endpoint.accept();
    assert_eq!(Response::read(&mut asking).status(), 504);
    let late = Socket::connect(stage.gateway.web());
    early.send(&[&header[..], b"GET"].concat());
    early.expect_end();
    late.set_nonblocking();
    let open = late.handle().read(&mut [0]).unwrap_err();
    assert_eq!(open.kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_balancer_that_only_looks_is_no_error() {
    let endpoint = Endpoint::bind();
    let settings = expecting("any")(Settings::to(&[endpoint.address()]));
    let (over_tls, certificates) = crate::tls::gateway(settings.clone(), &[&["localhost"]]);
    let plain = gateway(&settings);
    let mut looks = 0;
    for header in [wire::local(), b"PROXY UNKNOWN\r\n".to_vec()] {
        looks += 1;
        for gateway in [&plain, &over_tls] {
            let mut socket = Socket::connect(gateway.web());
            socket.send(&header);
            socket.finish();
            socket.expect_end();
            wait_result(gateway, "local", looks);
        }
    }
    let labels = [("result", "client_gone")];
    let handshakes = over_tls.metrics();
    assert_eq!(
        handshakes.count("switchyard_tls_handshakes_total", &labels),
        0
    );
    assert_quiet(&plain);
    let trust = Trust::of(&[&certificates[0]]);
    assert_quiet_through(&over_tls, behind(&wire::local(), &over_tls, &trust).1);
    assert!(!endpoint.has_more());
}

#[test]
fn a_header_that_tells_no_address_leaves_the_connections_own() {
    let stage = Stage::with(expecting("any"));
    let unix = wire::with_body([0x21, 0x31], &[b'/'; 216]);
    let unspecified = wire::with_body([0x21, 0x00], &[1; 30]);
    for header in [
        wire::local(),
        unix,
        unspecified,
        b"PROXY UNKNOWN\r\n".to_vec(),
    ] {
        let head = head_behind(&stage, &header, &Handshake::to("/"));
        assert_eq!(head.get("x-forwarded-for"), Some("127.0.0.1"));
    }
    wait_result(&stage.gateway, "local", 4);
}

#[test]
fn header_fields_are_believed_if_the_told_address_is_a_proxys() {
    let stage = Stage::with(expecting("any"));
    let claim = Handshake::to("/")
        .with("X-Forwarded-For", "203.0.113.9")
        .with("X-Forwarded-Proto", "https");
    let stranger = wire::v1(address("192.0.2.1:1"), address("198.51.100.1:443"));
    let head = head_behind(&stage, &stranger, &claim);
    assert_eq!(head.get("x-forwarded-for"), Some("192.0.2.1"));
    assert_eq!(head.get("x-forwarded-proto"), Some("http"));
    let proxy = wire::v1(address("10.1.2.3:1"), address("198.51.100.1:443"));
    let head = head_behind(&stage, &proxy, &claim);
    assert_eq!(head.get("x-forwarded-for"), Some("203.0.113.9, 10.1.2.3"));
    assert_eq!(head.get("x-forwarded-proto"), Some("https"));
    // Who tells no address is a proxy itself.
    let head = head_behind(&stage, &wire::local(), &claim);
    assert_eq!(head.get("x-forwarded-for"), Some("203.0.113.9, 127.0.0.1"));
}

#[test]
fn a_client_that_spoke_tls_with_the_proxy_came_by_https() {
    let stage = Stage::with(expecting("v2"));
    let client = address(CLIENTS[0]);
    let header = wire::v2(client, destination(client), &wire::tls());
    let head = head_behind(&stage, &header, &Handshake::to("/"));
    assert_eq!(head.get("x-forwarded-proto"), Some("https"));
    let forwarded = head.get("forwarded").unwrap();
    assert!(forwarded.ends_with(";proto=https"), "{forwarded}");
}

#[test]
fn affinity_goes_by_the_told_address() {
    let endpoints: Vec<_> = ["a", "b", "c", "d"].map(Endpoint::named).into();
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let settings = Settings::to(&addresses).route("affinity: [client_address]");
    let gateway = gateway(&expecting("any")(settings));
    let ask = |client: u8| {
        let client = SocketAddr::from(([192, 0, 2, client], 1));
        let mut socket = Socket::connect(gateway.web());
        socket.send(&wire::v1(client, destination(client)));
        socket.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        Response::read(&mut socket).text().to_owned()
    };
    let first: Vec<_> = (0..20).map(ask).collect();
    let again: Vec<_> = (0..20).map(ask).collect();
    assert_eq!(first, again);
    assert!(first.iter().any(|name| *name != first[0]), "{first:?}");
}

#[test]
fn a_listener_that_expects_none_takes_none() {
    let stage = Stage::with(|settings| settings.top("trusted_proxies: [127.0.0.1/32]"));
    for header in headers(address(CLIENTS[0])) {
        let mut socket = Socket::connect(stage.gateway.web());
        socket.send(&header);
        assert_eq!(Response::read(&mut socket).status(), 400);
    }
    let metrics = stage.gateway.metrics();
    assert!(metrics.about("switchyard_proxy_protocol_total").is_empty());
}
