//! What names a handshake, and the session that it opened, in every log that it passes.

use std::fmt;

/// The name of a handshake in every log that it passes, in as little room as it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestId {
    /// One of the gateway's own: 32 hexadecimal digits in half as many bytes.
    Made([u8; 16]),
    /// What a proxy gave it.
    Given(Box<str>),
}

impl From<&str> for RequestId {
    fn from(text: &str) -> Self {
        let number = u128::from_str_radix(text, 16).ok();
        let made = number.map(|number| Self::Made(number.to_be_bytes()));
        // Only what reads the same again.
        made.filter(|made| made.to_string() == text)
            .unwrap_or_else(|| Self::Given(text.into()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(bytes) => write!(f, "{:032x}", u128::from_be_bytes(*bytes)),
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
