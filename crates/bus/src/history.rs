//! What a bus keeps of what was published, where it is to.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;

/// The place of a message among those of its channel: later ones are greater. Written as `1764322153000-0` (Redis: milliseconds
/// since 1970, and a number within that one) `0-42` (NATS: the number in the stream), or `1764322153000-42` (memory: when the process began,
/// and a number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MessageId {
    /// Milliseconds, or 0.
    pub major: u64,
    /// The number.
    pub minor: u64,
}

/// How much is kept of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many messages.
    pub messages: usize,
    /// And none that is older.
    pub age: Duration,
}

/// What was published after an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// In order.
    pub messages: Vec<(MessageId, Bytes)>,
    /// Whether there were more before these, that are not kept any more.
    pub has_gap: bool,
    /// Whether there are more after these than were asked for: what comes after `last`.
    pub has_more: bool,
    /// How far this reaches. Unless there are more, that is the last that was published, and what comes after it comes live.
    pub last: MessageId,
}

/// Not written as a [`MessageId`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: it has the form `<number>-<number>`")]
pub struct NoMessageId;

impl MessageId {
    /// No message has it: none could come after it, and servers take it for an error to ask for what does.
    const END: Self = Self {
        major: u64::MAX,
        minor: u64::MAX,
    };
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.major, self.minor)
    }
}

impl FromStr for MessageId {
    type Err = NoMessageId;

    fn from_str(text: &str) -> Result<Self, NoMessageId> {
        let (major, minor) = text.split_once('-').ok_or(NoMessageId)?;
        let number = |text: &str| text.parse().ok().ok_or(NoMessageId);
        let id = Self {
            major: number(major)?,
            minor: number(minor)?,
        };
        (id != Self::END).then_some(id).ok_or(NoMessageId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_to_come_after_the_end() {
        let id = |text: &str| text.parse::<MessageId>();
        let most = u64::MAX;
        assert_eq!(id(&format!("{most}-{most}")), Err(NoMessageId));
        let major = most - 1;
        let last = MessageId { major, minor: most };
        assert_eq!(id(&format!("{major}-{most}")), Ok(last));
    }
}
