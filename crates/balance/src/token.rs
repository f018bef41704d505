//! The text by which a cookie of the gateway names an endpoint.
//!
//! It is a keyed hash, not an encryption: nobody without the key can make one or tell which
//! endpoint it names, and the gateway finds the endpoint by comparing it with the tokens of all
//! that it has. With [`HashKey::PUBLIC`] neither holds.

use std::fmt;
use std::hash::Hasher;
use std::hint::black_box;

use siphasher::sip128::Hasher128;

use crate::key::{HashKey, write_with_length};

/// The token of one endpoint: 32 lowercase hexadecimal digits, SipHash-2-4 with 128 bits of output
/// over the length of the cluster's name (4 bytes, little-endian), that name and the endpoint's
/// identity.
#[derive(Clone, Copy)]
pub struct EndpointToken([u8; 32]);

impl EndpointToken {
    /// The token of the endpoint called `endpoint` in the cluster called `cluster`.
    pub fn new(key: &HashKey, cluster: &str, endpoint: &str) -> Self {
        let mut hasher = key.token_hasher();
        write_with_length(&mut hasher, cluster.as_bytes());
        hasher.write(endpoint.as_bytes());
        Self(hexadecimal(hasher.finish128().as_bytes()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether `text`, which a client sent, is this token. How long the answer takes does not
    /// depend on how much of it is right.
    pub fn matches(&self, text: &[u8]) -> bool {
        let differences = self
            .0
            .iter()
            .zip(text)
            .fold(0, |all, (a, b)| black_box(all | (a ^ b)));
        text.len() == self.0.len() && differences == 0
    }
}

/// Says that it is a token, not which: whoever has it can reach the endpoint.
impl fmt::Debug for EndpointToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndpointToken(..)")
    }
}

fn hexadecimal(bytes: [u8; 16]) -> [u8; 32] {
    let nibbles = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let mut text = [0; 32];
    for (to, nibble) in text.iter_mut().zip(nibbles) {
        *to = digit(nibble);
    }
    text
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;
    use proptest::prelude::*;

    #[test]
    fn the_token_of_an_endpoint_never_changes() {
        let token = EndpointToken::new(&key(), "chat", "10.0.0.11:9000");
        assert_eq!(token.as_str(), "c8c4d13c7aa846504170bc5b96d34c2d");
        assert_eq!(format!("{token:?}"), "EndpointToken(..)");
    }

    #[test]
    fn hexadecimal_has_every_digit() {
        let bytes = [
            0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54,
            0x32, 0x10,
        ];
        assert_eq!(&hexadecimal(bytes), b"0123456789abcdeffedcba9876543210");
    }

    #[test]
    fn tokens_differ_by_key_cluster_and_endpoint() {
        let tokens = [
            EndpointToken::new(&key(), "ab", "c"),
            EndpointToken::new(&key(), "a", "bc"),
            EndpointToken::new(&key(), "ab", "d"),
            EndpointToken::new(&HashKey::PUBLIC, "ab", "c"),
        ];
        for (index, token) in tokens.iter().enumerate() {
            let matching = tokens
                .iter()
                .filter(|other| other.matches(token.as_str().as_bytes()));
            assert_eq!(matching.count(), 1, "{index}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_the_token_matches(text: Vec<u8>, at in 0usize..32, flip in 1..=u8::MAX) {
            let token = EndpointToken::new(&key(), "chat", "a");
            let right = token.as_str().as_bytes().to_vec();
            prop_assert!(token.matches(&right));
            prop_assert!(!token.matches(&text));
            prop_assert!(!token.matches(&right[..at]));
            prop_assert!(!token.matches(&[&right[..], b"0"].concat()));
            let mut wrong = right;
            wrong[at] ^= flip;
            prop_assert!(!token.matches(&wrong));
        }
    }
}
