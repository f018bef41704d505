//! Heads as HPACK has them (RFC 7541), without a table that changes: the client says that it keeps
//! none, and puts nothing into the server's.
//!
//! Not here: fields of an answer. Its status is the first, and all that is looked at.

use anyhow::{Context, Result, bail, ensure};

/// Places in the static table (RFC 7541 appendix A).
const AUTHORITY: u8 = 1;
const METHOD: u8 = 2;
const PATH: u8 = 4;
const SCHEME_HTTP: u8 = 6;
const SCHEME_HTTPS: u8 = 7;
const STATUS: u8 = 8;
/// Those from `STATUS` on with their values.
const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];

const INDEXED: u8 = 0x80;
/// The longest string whose length is one byte.
const SHORT: usize = 0x7E;

/// An extended CONNECT (RFC 8441 section 4) for this path.
pub(super) fn connect(path: &str, authority: &str, is_secure: bool) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    indexed_name(&mut head, METHOD, "CONNECT")?;
    new_name(&mut head, ":protocol", "websocket")?;
    head.push(INDEXED | if is_secure { SCHEME_HTTPS } else { SCHEME_HTTP });
    indexed_name(&mut head, PATH, path)?;
    indexed_name(&mut head, AUTHORITY, authority)?;
    new_name(&mut head, "sec-websocket-version", "13")?;
    Ok(head)
}

/// A field that is not to be put into a table (RFC 7541 section 6.2.2).
fn indexed_name(head: &mut Vec<u8>, name: u8, value: &str) -> Result<()> {
    head.push(name);
    string(head, value)
}

fn new_name(head: &mut Vec<u8>, name: &str, value: &str) -> Result<()> {
    head.push(0);
    string(head, name)?;
    string(head, value)
}

fn string(head: &mut Vec<u8>, text: &str) -> Result<()> {
    ensure!(text.len() <= SHORT, "{text} is too long");
    head.push(u8::try_from(text.len())?);
    head.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The status of an answer.
pub(super) fn status(mut head: &[u8]) -> Result<u16> {
    // The server agrees to a table of no size (RFC 7541 section 6.3).
    while let [0x20..=0x3F, rest @ ..] = head {
        head = rest;
    }
    let (first, rest) = head.split_first().context("an empty head")?;
    if first & INDEXED != 0 {
        let status = place(first & !INDEXED);
        return status.context("a head that does not begin with its status");
    }
    // Three ways to write a field of the table with another value: to be kept, not to be, never to be.
    let name = if first & 0x40 != 0 {
        first & 0x3F
    } else {
        first & 0x0F
    };
    ensure!(
        place(name).is_some(),
        "a head that does not begin with its status"
    );
    let (len, rest) = rest.split_first().context("a head that is cut off")?;
    let value = rest.get(..usize::from(len & 0x7F));
    let value = value.context("a head that is cut off")?;
    let digits = if len & 0x80 == 0 {
        value.to_vec()
    } else {
        huffman(value)?
    };
    Ok(std::str::from_utf8(&digits)?.parse()?)
}

/// The status in this place of the static table.
fn place(index: u8) -> Option<u16> {
    let place = usize::from(index.checked_sub(STATUS)?);
    STATUSES.get(place).copied()
}

/// Three digits in Huffman's code (RFC 7541 appendix B): 0 to 2 have five bits, the others six.
fn huffman(coded: &[u8]) -> Result<Vec<u8>> {
    let mut bits = coded
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let mut digits = Vec::new();
    while digits.len() < 3 {
        let code = bits.by_ref().take(5).fold(0, |code, bit| code << 1 | bit);
        digits.push(match code {
            0..=2 => b'0' + code,
            12..=15 => match code << 1 | bits.next().context("a digit that is cut off")? {
                code @ 25..=31 => b'3' + code - 25,
                other => bail!("{other:#x} is no digit"),
            },
            other => bail!("{other:#x} is no digit"),
        });
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extended_connect_is_as_in_the_rfcs() {
        let head = connect("/echo", "a:1", true).unwrap();
        let expected = b"\x02\x07CONNECT\x00\x09:protocol\x09websocket\x87\x04\x05/echo\x01\x03a:1\
                         \x00\x15sec-websocket-version\x0213";
        assert_eq!(head, expected);
        assert!(connect(&"/".repeat(127), "a:1", false).is_err());
    }

    #[test]
    fn a_status_is_read_however_it_is_written() {
        for (head, expected) in [
            (&b"\x88"[..], 200),
            (b"\x20\x88", 200),
            (b"\x8e\x00", 500),
            (b"\x08\x03502", 502),
            (b"\x18\x03200\x00", 200),
            // RFC 7541 sections C.6.1 and C.6.2.
            (b"\x48\x82\x64\x02", 302),
            (b"\x08\x83\x64\x0f\x7f", 308),
            (b"\x0e\x82\x6c\x01", 501),
            (b"\x48\x83\x64\x0e\xff", 307),
        ] {
            assert_eq!(status(head).unwrap(), expected, "{head:x?}");
        }
    }

    #[test]
    fn what_is_no_status_is_an_error() {
        for head in [
            &b""[..],
            b"\x82",
            b"\x08",
            b"\x08\x03",
            b"\x04\x01/",
            b"\x48\x81\xff",
        ] {
            assert!(status(head).is_err(), "{head:x?}");
        }
    }
}
