//! PROXY headers byte by byte, by a hand of their own: not by the code under test.

use std::net::{IpAddr, SocketAddr};

pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const AUTHORITY: u8 = 0x02;
const CRC32C: u8 = 0x03;
const SSL: u8 = 0x20;
const SSL_VERSION: u8 = 0x21;
const SSL_CN: u8 = 0x22;

/// A line that says where from and where to.
pub(super) fn v1(client: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (client.port(), destination.port());
    let (client, destination) = (client.ip(), destination.ip());
    format!("PROXY {family} {client} {destination} {from} {to}\r\n").into_bytes()
}

/// The same in binary, with `tlvs` behind it.
pub(super) fn v2(client: SocketAddr, destination: SocketAddr, tlvs: &[u8]) -> Vec<u8> {
    let octets = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let body = [
        &octets(client)[..],
        &octets(destination),
        &client.port().to_be_bytes(),
        &destination.port().to_be_bytes(),
        tlvs,
    ]
    .concat();
    let family = if client.is_ipv4() { 0x11 } else { 0x21 };
    with_body([0x21, family], &body)
}

/// A header that speaks for the proxy itself.
pub(super) fn local() -> Vec<u8> {
    with_body([0x20, 0], b"")
}

/// The head, and what it announces.
pub(super) fn with_body(kind: [u8; 2], body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    [&SIGNATURE[..], &kind, &length.to_be_bytes(), body].concat()
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    [&[kind][..], &length.to_be_bytes(), value].concat()
}

/// What a proxy says that ended TLS 1.3 with a client that showed a certificate.
pub(super) fn tls() -> Vec<u8> {
    let about = [
        &[0x03, 0, 0, 0, 0][..],
        &tlv(SSL_VERSION, b"TLSv1.3"),
        &tlv(SSL_CN, b"somebody\n"),
    ];
    let authority = tlv(AUTHORITY, b"chat.example.com");
    [authority, tlv(SSL, &about.concat())].concat()
}

/// The header of 192.0.2.1:5 to 198.51.100.1:443 with its checksum, as computed with another program.
pub(super) fn with_checksum() -> Vec<u8> {
    let sum = tlv(CRC32C, &CHECKSUM);
    v2(
        "192.0.2.1:5".parse().unwrap(),
        "198.51.100.1:443".parse().unwrap(),
        &sum,
    )
}

const CHECKSUM: [u8; 4] = [0x8B, 0x6A, 0xFD, 0x00];
