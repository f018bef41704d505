//! Names that sessions subscribe to.

use std::fmt;
use std::ops::Deref;

use arcstr::ArcStr;

/// A name that sessions subscribe to and messages are published on: 1 to 255 bytes of UTF-8 without white space and control
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(ArcStr);

/// Why something is no name of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoChannel {
    /// There is nothing.
    #[error("a channel needs a name")]
    Empty,
    /// It is too long.
    #[error("a channel's name has at most {} bytes", ChannelName::MAX_BYTES)]
    TooLong,
    /// It has what cannot be written everywhere.
    #[error("a channel's name has no white space and no control characters")]
    Unwritable,
}

impl ChannelName {
    /// Bytes of a name, at most.
    pub const MAX_BYTES: usize = 255;

    /// The name, if it is one.
    ///
    /// # Errors
    /// It is none.
    pub fn new(name: &str) -> Result<Self, NoChannel> {
        if name.is_empty() {
            return Err(NoChannel::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(NoChannel::TooLong);
        }
        if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(NoChannel::Unwritable);
        }
        Ok(Self(name.into()))
    }

    /// The same, shared.
    #[must_use]
    pub fn shared(&self) -> &ArcStr {
        &self.0
    }
}

impl Deref for ChannelName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_written_everywhere() {
        let longest = "é".repeat(127) + "e";
        for name in ["a", "room:42", "user:bob%40example.com", &longest] {
            assert_eq!(ChannelName::new(name).as_deref(), Ok(name));
        }
        for (name, why) in [
            ("", NoChannel::Empty),
            ("a b", NoChannel::Unwritable),
            ("a\u{a0}b", NoChannel::Unwritable),
            ("a\n", NoChannel::Unwritable),
            ("a\u{7f}", NoChannel::Unwritable),
            (&(longest + "e"), NoChannel::TooLong),
        ] {
            assert_eq!(ChannelName::new(name), Err(why), "{name:?}");
        }
    }
}
