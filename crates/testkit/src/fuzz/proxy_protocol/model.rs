//! A plain reader of whole PROXY headers, from the specification: no code in common with the real one.

use std::net::{IpAddr, SocketAddr};

use switchyard_proto::proxy_protocol::Source;

/// What a header says, as far as the model goes.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) source: Source,
    pub(super) tls: bool,
}

impl Said {
    fn only(source: Source) -> Self {
        Self { source, tls: false }
    }
}

/// `None`: it is malformed.
pub(super) fn read(bytes: &[u8]) -> Option<Said> {
    if bytes[0] == b'P' {
        line(bytes)
    } else {
        binary(bytes)
    }
}

fn line(bytes: &[u8]) -> Option<Said> {
    let line = &bytes[6..bytes.len().checked_sub(2).filter(|end| *end >= 6)?];
    if !bytes.ends_with(b"\r\n") {
        return None;
    }
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Some(Said::only(Source::Unknown));
    }
    let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let [family, client, destination, from, to] = words[..] else {
        return None;
    };
    let address = |ip: &str, port: &str| {
        let ip: IpAddr = ip.parse().ok()?;
        let number: u16 = port.parse().ok()?;
        (number.to_string() == port).then_some(())?;
        let wanted = if ip.is_ipv4() { "TCP4" } else { "TCP6" };
        (family == wanted).then_some(SocketAddr::new(ip, number))
    };
    Some(Said::only(Source::Told {
        client: address(client, from)?,
        destination: address(destination, to)?,
    }))
}

fn binary(bytes: &[u8]) -> Option<Said> {
    let (command, family, body) = (bytes[12] % 16, bytes[13], &bytes[16..]);
    let size = match (command, family / 16, family % 16) {
        (0, ..) => return Some(Said::only(Source::Local)),
        (1, 1, 1) => 4,
        (1, 2, 1) => 16,
        (1, 0..=3, 0..=2) => return Some(Said::only(Source::Unknown)),
        _ => return None,
    };
    if body.len() < 2 * size + 4 {
        return None;
    }
    let address = |at: usize, port: usize| {
        let ip = &body[at..at + size];
        let ip: IpAddr = match <[u8; 4]>::try_from(ip) {
            Ok(octets) => octets.into(),
            Err(_) => <[u8; 16]>::try_from(ip).expect("the other size").into(),
        };
        let port = u16::from(body[port]) << 8 | u16::from(body[port + 1]);
        SocketAddr::new(ip, port)
    };
    let source = Source::Told {
        client: address(0, 2 * size),
        destination: address(size, 2 * size + 2),
    };
    let tls = said_of_tls(bytes, 16 + 2 * size + 4)?;
    Some(Said { source, tls })
}

/// Where each TLV of `bytes[from..to]` has its value, with its type.
fn tlvs(bytes: &[u8], mut from: usize, to: usize) -> Option<Vec<(u8, usize, usize)>> {
    let mut found = Vec::new();
    while from < to {
        let head = bytes[from..to].get(..3)?;
        let length = usize::from(head[1]) * 256 + usize::from(head[2]);
        let value = from + 3;
        from = value + length;
        if from > to {
            return None;
        }
        found.push((head[0], value, from));
    }
    Some(found)
}

fn said_of_tls(bytes: &[u8], from: usize) -> Option<bool> {
    let mut tls = false;
    for (kind, value, end) in tlvs(bytes, from, bytes.len())? {
        match kind {
            0x03 => {
                let mut zeroed = bytes.to_vec();
                zeroed[value..end].fill(0);
                (bytes[value..end] == crc32c(&zeroed).to_be_bytes()).then_some(())?;
            }
            0x05 if end - value > 128 => return None,
            0x20 => {
                (end - value >= 5).then_some(())?;
                tlvs(bytes, value + 5, end)?;
                tls = bytes[value] % 2 == 1;
            }
            _ => {}
        }
    }
    Some(tls)
}

/// Bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for bit in bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| u32::from(byte >> bit & 1)))
    {
        let carry = (sum & 1) ^ bit;
        sum = (sum >> 1) ^ (carry * 0x82F6_3B78);
    }
    !sum
}
