//! Where clients say they had got to when they were here last.

use switchyard_bus::{MessageId, NoMessageId};

/// The ids that a client has: one for all of its channels, or one for each. Nothing, for one that is new.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resume {
    every: Option<MessageId>,
    each: Vec<(Box<str>, MessageId)>,
}

impl Resume {
    /// What values of `last_id` or `Last-Message-Id` say: `ID`, or `CHANNEL@ID`. Of several for the same the last counts.
    ///
    /// # Errors
    /// One of them has no id.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, NoMessageId> {
        let mut resume = Self::default();
        for value in values {
            match value.rsplit_once('@') {
                None => resume.every = Some(value.parse()?),
                Some((channel, id)) => resume.each.push((channel.into(), id.parse()?)),
            }
        }
        Ok(resume)
    }

    /// Of channels, what a session of theirs had last.
    pub fn at<'a>(positions: impl IntoIterator<Item = (&'a str, MessageId)>) -> Self {
        let positions = positions.into_iter();
        Self {
            every: None,
            each: positions.map(|(name, id)| (name.into(), id)).collect(),
        }
    }

    /// As values that [`of`](Self::of) reads.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let every = self.every.iter().map(MessageId::to_string);
        let each = self.each.iter();
        every.chain(each.map(|(name, id)| format!("{name}@{id}")))
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The last that the client has of a channel.
    #[must_use]
    pub fn after(&self, channel: &str) -> Option<MessageId> {
        let mut each = self.each.iter().rev();
        let own = each.find(|(name, _)| **name == *channel);
        own.map(|(_, id)| *id).or(self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(major: u64, minor: u64) -> MessageId {
        MessageId { major, minor }
    }

    #[test]
    fn a_channel_has_its_own_id_or_the_one_of_all() {
        let resume = Resume::of(["5-0", "room:42@7-1", "a@b@8-0", "a@b@9-0"]).expect("ids");
        assert_eq!(resume.after("room:42"), Some(id(7, 1)));
        assert_eq!(resume.after("a@b"), Some(id(9, 0)));
        assert_eq!(resume.after("other"), Some(id(5, 0)));
        assert!(Resume::of([]).expect("nothing").is_empty());
        assert_eq!(Resume::default().after("a"), None);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for value in ["", "5", "a@", "a@5", "5-x", "@"] {
            assert!(Resume::of([value]).is_err(), "{value}");
        }
    }
}
