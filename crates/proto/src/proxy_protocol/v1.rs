//! Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`, and a line end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{self, FromStr, Split};

use super::{Extent, Extras, Fault, Header, MAX_V1, Pair, Source, Version};

/// What a header begins with.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";

const UNKNOWN: &[u8] = b"UNKNOWN";

/// The header ends with its line.
pub(super) fn measure(bytes: &[u8]) -> Result<Extent, Fault> {
    let mut line = bytes.iter().take(MAX_V1);
    match line.position(|byte| *byte == b'\n') {
        Some(last) => Ok(Extent::Whole { length: last + 1 }),
        None if bytes.len() >= MAX_V1 => Err(Fault::TooLong),
        None => Ok(Extent::Part {
            of: bytes.len() + 1,
        }),
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Header<'_>, Fault> {
    Ok(Header {
        version: Version::V1,
        source: source(bytes)?,
        extras: Extras::default(),
    })
}

fn source(bytes: &[u8]) -> Result<Source, Fault> {
    let line = bytes.strip_prefix(SIGNATURE);
    let line = line.and_then(|line| line.strip_suffix(b"\r\n"));
    let line = line.ok_or(Fault::Malformed("the line does not end with CRLF"))?;
    // Whatever stands behind the word is to be ignored.
    if line.split(|byte| *byte == b' ').next() == Some(UNKNOWN) {
        return Ok(Source::Unknown);
    }
    let line = str::from_utf8(line).map_err(|_invalid| Fault::Malformed("the line is no text"))?;
    let mut words = line.split(' ');
    let told = match words.next() {
        Some("TCP4") => told::<Ipv4Addr>(&mut words),
        Some("TCP6") => told::<Ipv6Addr>(&mut words),
        _ => {
            return Err(Fault::Malformed(
                "the protocol is not TCP4, TCP6 or UNKNOWN",
            ));
        }
    };
    match (told, words.next()) {
        (Some(told), None) => Ok(told),
        _ => Err(Fault::Malformed(
            "the line does not have two addresses and two ports",
        )),
    }
}

fn told<T: FromStr + Into<IpAddr>>(words: &mut Split<'_, char>) -> Option<Source> {
    let client = words.next()?.parse::<T>().ok()?.into();
    let destination = words.next()?.parse::<T>().ok()?.into();
    Some(Source::Told {
        client: SocketAddr::new(client, port(words.next()?)?),
        destination: SocketAddr::new(destination, port(words.next()?)?),
    })
}

/// Digits, the first of them not 0 unless it is the only one.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = text.len() > 1 && text.starts_with('0');
    (is_plain && !is_padded).then(|| text.parse().ok())?
}

pub(super) fn encode(source: &Source) -> Vec<u8> {
    let text = match *source {
        Source::Local | Source::Unknown => "PROXY UNKNOWN\r\n".to_owned(),
        Source::Told {
            client,
            destination,
        } => match Pair::of(client, destination) {
            Pair::V4([client, destination]) => format!(
                "PROXY TCP4 {} {} {} {}\r\n",
                client.ip(),
                destination.ip(),
                client.port(),
                destination.port()
            ),
            Pair::V6([(client, from), (destination, to)]) => {
                format!("PROXY TCP6 {client} {destination} {from} {to}\r\n")
            }
        },
    };
    text.into_bytes()
}
