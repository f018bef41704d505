//! What one channel keeps.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::Instant;

use crate::history::{Keep, MessageId};

/// The last messages of a channel.
pub(super) struct Ring {
    messages: VecDeque<(Instant, MessageId, Bytes)>,
    /// The last that may be kept no more.
    dropped: MessageId,
    /// When the newest will be too old.
    pub(super) expires: Instant,
}

/// What a ring has of what is asked for.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) messages: Vec<(MessageId, Bytes)>,
    /// Whether there were more before these.
    pub(super) has_gap: bool,
    /// Whether there are more after these.
    pub(super) has_more: bool,
}

impl Ring {
    /// One that may have dropped whatever came before.
    pub(super) fn new(dropped: MessageId, expires: Instant) -> Self {
        Self {
            messages: VecDeque::new(),
            dropped,
            expires,
        }
    }

    /// The id of the newest.
    pub(super) fn last(&self) -> Option<MessageId> {
        self.messages.back().map(|(_, id, _)| *id)
    }

    /// Keeps a message.
    pub(super) fn push(&mut self, id: MessageId, payload: Bytes, keep: Keep, now: Instant) {
        self.messages.push_back((now, id, payload));
        self.expires = now + keep.age;
        self.trim(keep, now);
    }

    /// What came after an id, and the oldest `most` of it.
    pub(super) fn since(
        &mut self,
        after: MessageId,
        most: usize,
        keep: Keep,
        now: Instant,
    ) -> Kept {
        self.trim(keep, now);
        let first = self.messages.partition_point(|(_, id, _)| *id <= after);
        let end = first.saturating_add(most).min(self.messages.len());
        let kept = self.messages.range(first..end);
        Kept {
            messages: kept.map(|(_, id, text)| (*id, text.clone())).collect(),
            has_gap: after < self.dropped,
            has_more: end < self.messages.len(),
        }
    }

    fn trim(&mut self, keep: Keep, now: Instant) {
        while let Some(&(since, id, _)) = self.messages.front()
            && (self.messages.len() > keep.messages || now.duration_since(since) > keep.age)
        {
            self.messages.pop_front();
            self.dropped = id;
        }
    }
}
