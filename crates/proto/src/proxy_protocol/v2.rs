//! Version 2: a signature, what and whose it is, the length of the rest, addresses, and then TLVs.

use std::net::{IpAddr, SocketAddr};

use super::{Extent, Extras, Fault, Header, Pair, Source, Version, tlv};

/// What a header begins with. No line of HTTP, TLS or version 1 does.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes before those that are announced.
pub(super) const HEAD: usize = 16;

/// Bytes that may be announced.
pub(super) const MAX_BODY: usize = 4096;

/// The version, in the upper half of the byte behind the signature.
const VERSION: u8 = 0x20;

/// The commands, in its lower half.
const LOCAL: u8 = 0;
const PROXY: u8 = 1;

/// Family and transport that tell nothing.
const UNSPEC: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

/// The highest family (Unix sockets) and transport (datagrams) that there are.
const LAST_FAMILY: u8 = 0x30;
const LAST_TRANSPORT: u8 = 0x02;

/// The header ends where it says.
pub(super) fn measure(bytes: &[u8]) -> Result<Extent, Fault> {
    if bytes
        .get(SIGNATURE.len())
        .is_some_and(|byte| byte & 0xF0 != VERSION)
    {
        return Err(Fault::Version);
    }
    let Some(([.., high, low], _)) = bytes.split_first_chunk::<HEAD>() else {
        return Ok(Extent::Part { of: HEAD });
    };
    let body = usize::from(u16::from_be_bytes([*high, *low]));
    if body > MAX_BODY {
        return Err(Fault::TooLong);
    }
    let length = HEAD + body;
    Ok(if bytes.len() < length {
        Extent::Part { of: length }
    } else {
        Extent::Whole { length }
    })
}

pub(super) fn parse(bytes: &[u8]) -> Result<Header<'_>, Fault> {
    let head = bytes.split_first_chunk::<HEAD>();
    let ([.., command, family, _, _], body) =
        head.ok_or(Fault::Malformed("the head is cut off"))?;
    let (source, extras) = match command & 0x0F {
        // Whatever stands behind is to be ignored.
        LOCAL => (Source::Local, Extras::default()),
        PROXY => proxied(*family, body, bytes)?,
        _ => return Err(Fault::Malformed("the command is not LOCAL or PROXY")),
    };
    Ok(Header {
        version: Version::V2,
        source,
        extras,
    })
}

/// A transport that exists and is not read here counts as not told, as the protocol demands.
fn proxied<'a>(family: u8, body: &'a [u8], whole: &[u8]) -> Result<(Source, Extras<'a>), Fault> {
    let (source, tlvs) = match family {
        TCP_OVER_IPV4 => addresses::<4>(body),
        TCP_OVER_IPV6 => addresses::<16>(body),
        _ if family & 0xF0 <= LAST_FAMILY && family & 0x0F <= LAST_TRANSPORT => {
            return Ok((Source::Unknown, Extras::default()));
        }
        _ => return Err(Fault::Malformed("there is no such family or transport")),
    }
    .ok_or(Fault::Malformed("the addresses are cut off"))?;
    Ok((source, tlv::read(tlvs, whole)?))
}

/// Client, destination, and the port of each.
fn addresses<const N: usize>(body: &[u8]) -> Option<(Source, &[u8])>
where
    IpAddr: From<[u8; N]>,
{
    let (client, body) = body.split_first_chunk::<N>()?;
    let (destination, body) = body.split_first_chunk::<N>()?;
    let (from, body) = body.split_first_chunk::<2>()?;
    let (to, body) = body.split_first_chunk::<2>()?;
    let source = Source::Told {
        client: SocketAddr::new((*client).into(), u16::from_be_bytes(*from)),
        destination: SocketAddr::new((*destination).into(), u16::from_be_bytes(*to)),
    };
    Some((source, body))
}

pub(super) fn encode(source: &Source, extras: &Extras<'_>) -> Vec<u8> {
    let mut body = Vec::with_capacity(128);
    let (command, family) = match *source {
        Source::Local => (LOCAL, UNSPEC),
        Source::Unknown => (PROXY, UNSPEC),
        Source::Told {
            client,
            destination,
        } => (PROXY, write_addresses(&mut body, client, destination)),
    };
    if family != UNSPEC {
        tlv::write(&mut body, extras, MAX_BODY);
    }
    let mut header = Vec::with_capacity(HEAD + body.len());
    header.extend_from_slice(SIGNATURE);
    header.extend_from_slice(&[VERSION | command, family]);
    // No longer than `MAX_BODY`.
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&body);
    header
}

/// Which family they are.
fn write_addresses(body: &mut Vec<u8>, client: SocketAddr, destination: SocketAddr) -> u8 {
    let family = match Pair::of(client, destination) {
        Pair::V4(pair) => {
            for address in pair {
                body.extend_from_slice(&address.ip().octets());
            }
            TCP_OVER_IPV4
        }
        Pair::V6(pair) => {
            for (ip, _) in pair {
                body.extend_from_slice(&ip.octets());
            }
            TCP_OVER_IPV6
        }
    };
    for address in [client, destination] {
        body.extend_from_slice(&address.port().to_be_bytes());
    }
    family
}
