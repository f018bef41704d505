//! Addresses taking turns. Every address in 127.0.0.0/8 is this machine's.

use std::collections::BTreeMap;
use std::io::Read as _;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;

use super::*;
use crate::testing::{CLIENT, Refusing, Rig, Script, ranked, settings, within};

/// Set aside for documentation (RFC 5737), so no machine has it.
const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn loopback(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

/// Where a connection came from, as the endpoint sees it.
async fn seen_by(script: &Script, sources: &Sources) -> IpAddr {
    let connecting = sources.connect(script.address(), Told::AtOnce);
    let (stream, peer) = within(async { tokio::join!(connecting, script.accept()) }).await;
    assert!(stream.is_ok());
    peer.0.peer_addr().unwrap().ip()
}

#[tokio::test]
async fn connections_spread_evenly_over_the_addresses_of_each_endpoint() {
    let script = Script::bind().await;
    let addresses = [loopback(2), loopback(3), loopback(4)];
    let sources = Sources::towards(script.address(), &addresses);
    let mut seen = BTreeMap::new();
    for _ in 0..12 {
        *seen.entry(seen_by(&script, &sources).await).or_insert(0) += 1;
    }
    assert_eq!(seen, addresses.map(|address| (address, 4)).into());
}

#[tokio::test]
async fn without_addresses_the_system_chooses() {
    let script = Script::bind().await;
    let sources = Sources::towards(script.address(), &["::1".parse().unwrap()]);
    assert_eq!(seen_by(&script, &sources).await, loopback(1));
}

/// The system gives up waiting for the bytes after 200 ms: one of these was surely not that slow.
#[tokio::test]
async fn an_endpoint_learns_of_a_connection_with_the_first_bytes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = listener.local_addr().unwrap();
    let sources = Sources::towards(endpoint, &[]);
    let mut waited = 0;
    for _ in 0..20 {
        let stream = sources.connect(endpoint, Told::WithFirstBytes);
        let stream = within(stream).await.unwrap();
        match listener.accept() {
            Ok(_) => continue,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        assert_eq!(stream.try_write(b"first").unwrap(), 5);
        let (mut peer, _) = listener.accept().unwrap();
        let mut bytes = [0; 5];
        peer.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"first");
        waited += 1;
    }
    assert!(waited > 0);
}

#[tokio::test]
async fn an_address_that_cannot_be_dialled_from_is_passed_over() {
    let script = Script::bind().await;
    let sources = Sources::towards(script.address(), &[STRANGER, loopback(2)]);
    for _ in 0..4 {
        assert_eq!(seen_by(&script, &sources).await, loopback(2));
    }
}

#[tokio::test]
async fn the_gateway_is_to_blame_when_no_address_is_left() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let mut settings = settings(&[script.address()]);
    settings.source_addresses = vec![STRANGER];
    let cluster = rig.cluster(settings);
    let sending = rig.dialer.send(
        &cluster,
        ranked(&cluster),
        &CLIENT,
        crate::testing::get("/"),
    );
    let error = within(Box::pin(sending)).await.unwrap_err();
    assert_eq!((error.reason(), error.status().as_u16()), ("no_port", 503));
    assert!(!error.blames_endpoint());
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        source,
        "of the source addresses, 192.0.2.1 is not an address of this machine"
    );
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_not_asked_from_another_address() {
    let refusing = Refusing::new();
    let sources = Sources::towards(refusing.address(), &[loopback(2), loopback(3)]);
    let error = within(sources.connect(refusing.address(), Told::AtOnce)).await;
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(sources.in_turn().next(), Some(loopback(3)));
}

#[tokio::test]
async fn no_port_is_taken_before_the_connection_is_made() {
    let no_port = SocketAddr::new(loopback(2), 0);
    let socket = tcp::socket(no_port).unwrap();
    tcp::bind(&socket, no_port.ip()).unwrap();
    assert!(getsockopt(&socket, IpBindAddressNoPort).unwrap());
    assert_eq!(socket.local_addr().unwrap(), no_port.into());
}

#[test]
fn what_has_no_port_left_is_told_from_what_is_not_ours() {
    let unavailable = || io::Error::from(io::ErrorKind::AddrNotAvailable);
    let connecting = Failure::of(unavailable(), Failure::NoPort);
    assert!(matches!(connecting, Failure::NoPort));
    let other = Failure::of(io::ErrorKind::OutOfMemory.into(), Failure::NoPort);
    assert!(matches!(other, Failure::Other(_)));
}

#[test]
fn an_address_is_tried_out() {
    assert!(try_binding(loopback(2)).is_ok());
    let error = try_binding(STRANGER).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
}
