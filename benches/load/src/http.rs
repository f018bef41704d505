//! The opening handshake from both ends, as text.
//!
//! Not here: HTTP. A head is what ends with an empty line, and nothing else is understood.

use anyhow::{Context, Result, ensure};
use sha1::{Digest, Sha1};

/// The longest head that either end takes.
pub(crate) const MAX_HEAD: usize = 8192;

/// The key that every client sends; it has no need to be a secret here.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a right answer to [`KEY`] says (RFC 6455 section 1.3).
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What a client sends first.
pub(crate) fn request(path: &str, host: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// How many bytes the head at the start of `bytes` has, when it is whole.
pub(crate) fn head_len(bytes: &[u8]) -> Result<Option<usize>> {
    let end = bytes
        .windows(HEAD_END.len())
        .position(|window| window == HEAD_END)
        .map(|at| at + HEAD_END.len());
    ensure!(
        end.is_some() || bytes.len() < MAX_HEAD,
        "the head is too long"
    );
    Ok(end)
}

/// Checks the head that answers [`request`].
pub(crate) fn check_response(head: &[u8]) -> Result<()> {
    let text = std::str::from_utf8(head).context("the response is not text")?;
    let first = text.lines().next().unwrap_or_default();
    ensure!(first.starts_with("HTTP/1.1 101"), "refused: {first}");
    let accept = field(text, "sec-websocket-accept").context("no Sec-WebSocket-Accept")?;
    ensure!(accept == ACCEPT, "a wrong Sec-WebSocket-Accept: {accept}");
    Ok(())
}

/// The path of a request, and the response to it.
pub(crate) fn answer(head: &[u8]) -> Result<(&str, Vec<u8>)> {
    let text = std::str::from_utf8(head).context("the request is not text")?;
    let path = text.split(' ').nth(1).context("no path")?;
    let key = field(text, "sec-websocket-key").context("no Sec-WebSocket-Key")?;
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept(key)
    );
    Ok((path, response.into_bytes()))
}

/// The value of a field of a head, if it has it.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// RFC 6455 section 4.2.2, item 5.4.
fn accept(key: &str) -> String {
    let digest = Sha1::new()
        .chain_update(key.as_bytes())
        .chain_update(GUID.as_bytes())
        .finalize();
    base64(&digest)
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .chain(&[0; 3])
            .take(3)
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) as usize % ALPHABET.len();
            let digit = ALPHABET.get(index).copied().unwrap_or(b'=');
            text.push(if place > group.len() {
                '='
            } else {
                digit.into()
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_agree() {
        let head = request("/echo", "localhost");
        assert_eq!(head_len(&head).unwrap(), Some(head.len()));
        let (path, response) = answer(&head).unwrap();
        assert_eq!(path, "/echo");
        check_response(&response).unwrap();
    }

    #[test]
    fn a_wrong_answer_is_refused() {
        let (_, response) = answer(&request("/", "localhost")).unwrap();
        let text = String::from_utf8(response).unwrap();
        for wrong in [
            text.replace(ACCEPT, "AAAALMBiTxaQ9kYGzzhZRbK+xOo="),
            text.replace("101 Switching", "502 Bad"),
            text.replace("Accept", "Except"),
        ] {
            assert!(check_response(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn base64_pads() {
        for (plain, coded) in [
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
