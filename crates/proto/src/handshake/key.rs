//! The key of a handshake and the answer that proves it was understood (RFC 6455 sections 4.1
//! and 4.2.2). Neither is a secret: they only keep other protocols from answering by accident.

use sha1::{Digest, Sha1};

use super::base64;

/// What RFC 6455 section 1.3 has appended to the key before it is hashed.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A `Sec-WebSocket-Key`: 24 characters, the base64 of 16 bytes.
///
/// It is kept as the text it came in, which is what is hashed: of the digit before the padding
/// only two bits count, so that four texts stand for the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 24]);

impl Key {
    /// The key of the 16 bytes that its maker chose at random.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(base64::encode(&bytes))
    }

    /// Reads the value of a field, without whitespace around it.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let digits = value.strip_suffix(b"==")?;
        if !digits.iter().copied().all(base64::is_digit) {
            return None;
        }
        value.try_into().ok().map(Self)
    }

    /// The text, 24 ASCII characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The only right answer to this key.
    pub fn accept(&self) -> Accept {
        let digest = Sha1::new()
            .chain_update(self.0)
            .chain_update(GUID)
            .finalize();
        Accept(base64::encode(&digest.into()))
    }
}

/// A `Sec-WebSocket-Accept`: 28 characters, the base64 of a SHA-1 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accept([u8; 28]);

impl Accept {
    /// The text, 28 ASCII characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_rfc_is_accepted_as_it_says() {
        let key = Key::parse(b"dGhlIHNhbXBsZSBub25jZQ==").expect("section 1.3");
        assert_eq!(key, Key::from_bytes(*b"the sample nonce"));
        assert_eq!(key.accept().as_str(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_hashed_as_it_was_written() {
        let canonical = Key::parse(b"AQIDBAUGBwgJCgsMDQ4PEA==").expect("sixteen bytes");
        let same_bytes = Key::parse(b"AQIDBAUGBwgJCgsMDQ4PEB==").expect("the same sixteen bytes");
        assert_eq!(canonical.accept().as_str(), "C/0nmHhBztSRGR1CwL6Tf4ZjwpY=");
        assert_ne!(canonical.accept(), same_bytes.accept());
    }

    #[test]
    fn anything_but_sixteen_bytes_in_base64_is_no_key() {
        let table: [&[u8]; 9] = [
            b"",
            b"==",
            b"dGhlIHNhbXBsZSBub25jZQ",
            b"dGhlIHNhbXBsZSBub25jZQ=",
            b"dGhlIHNhbXBsZSBub25jZQ===",
            b"dGhlIHNhbXBsZSBub25jZWU=",
            b"dGhlIHNhbXBsZSBub25=ZQ==",
            b"dGhlIHNhbXBsZSBub2-jZQ==",
            b"SGVsbG8sIHdvcmxkIQ==",
        ];
        for value in table {
            assert_eq!(Key::parse(value), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn every_key_of_the_gateway_reads_back(bytes: [u8; 16]) {
            let key = Key::from_bytes(bytes);
            prop_assert_eq!(Key::parse(key.as_str().as_bytes()), Some(key));
            prop_assert_eq!(key.accept().as_str().len(), 28);
        }
    }
}
