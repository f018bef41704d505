//! What sessions are called beyond their own process.

use std::fmt;
use std::str::FromStr;

use switchyard_relay::SessionId;

/// Bits of a replica's name.
const BITS: u32 = 48;

/// A replica, as others know it: 12 hexadecimal digits that it drew when it started. A process that takes over
/// from another goes by the name of that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(u64);

/// A session of one of the replicas: `3f9c01aa22bb-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionName {
    /// Where it is.
    pub replica: ReplicaId,
    /// What it is called there.
    pub id: SessionId,
}

/// Not the name of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session's name is a replica's 12 hexadecimal digits, a hyphen and a number")]
pub struct NoSessionName;

impl ReplicaId {
    /// A new one, at random.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn draw() -> Result<Self, getrandom::Error> {
        Ok(Self(getrandom::u64()? >> (u64::BITS - BITS)))
    }

    /// That of this number, of which 48 bits count.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        Self(number & ((1 << BITS) - 1))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0)
    }
}

impl FromStr for ReplicaId {
    type Err = NoSessionName;

    fn from_str(text: &str) -> Result<Self, NoSessionName> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 12 || !text.bytes().all(is_digit) {
            return Err(NoSessionName);
        }
        let number = u64::from_str_radix(text, 16);
        number.map(Self).map_err(|_no_number| NoSessionName)
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.replica, self.id)
    }
}

impl FromStr for SessionName {
    type Err = NoSessionName;

    fn from_str(text: &str) -> Result<Self, NoSessionName> {
        let (replica, id) = text.split_once('-').ok_or(NoSessionName)?;
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let id = id.parse().ok().filter(|_| is_number);
        Ok(Self {
            replica: replica.parse()?,
            id: SessionId::of(id.ok_or(NoSessionName)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let name = SessionName {
            replica: ReplicaId::of(u64::MAX - 0xff),
            id: SessionId::of(17),
        };
        assert_eq!(name.to_string(), "ffffffffff00-17");
        assert_eq!("ffffffffff00-17".parse(), Ok(name));
        for text in [
            "",
            "17",
            "ffffffffff00",
            "ffffffffff00-",
            "ffffffffff00-+1",
            "FFFFFFFFFF00-1",
            "ffffffffff0-1",
        ] {
            assert_eq!(text.parse::<SessionName>(), Err(NoSessionName), "{text}");
        }
    }

    #[test]
    fn replicas_draw_different_names() {
        let draw = || ReplicaId::draw().expect("randomness");
        assert_ne!(draw(), draw());
    }
}
