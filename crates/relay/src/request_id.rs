//! What names a handshake, and the session that it opened, in every log that it passes.

use std::borrow::Cow;
use std::fmt;

use switchyard_telemetry::Spelled;

/// The name of a handshake in every log that it passes, in as little room as it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestId {
    /// One of the gateway's own: 32 hexadecimal digits in half as many bytes.
    Made([u8; 16]),
    /// What a proxy gave it.
    Given(Box<str>),
}

impl RequestId {
    /// As it was.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Made(bytes) => Cow::Owned(spelled(*bytes).as_str().to_owned()),
            Self::Given(text) => Cow::Borrowed(text),
        }
    }
}

impl From<&str> for RequestId {
    fn from(text: &str) -> Self {
        made(text.as_bytes()).map_or_else(|| Self::Given(text.into()), Self::Made)
    }
}

/// The bytes of 32 digits in lower case: only what reads the same again.
fn made(text: &[u8]) -> Option<[u8; 16]> {
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    let pairs: &[[u8; 2]; 16] = pairs.try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

fn spelled(bytes: [u8; 16]) -> Spelled {
    Spelled::hex(u128::from_be_bytes(bytes))
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(bytes) => f.write_str(spelled(*bytes).as_str()),
            Self::Given(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_reads_as_it_was_given() {
        let made = "00f0c2a91b5e4d7780a1b2c3d4e5f607";
        assert!(matches!(RequestId::from(made), RequestId::Made(_)));
        for text in [
            made,
            "F0",
            "+1",
            "",
            "r-1",
            &made.to_uppercase(),
            made.trim_start_matches('0'),
        ] {
            assert_eq!(RequestId::from(text).to_string(), text);
        }
    }
}
