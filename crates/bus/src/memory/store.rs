//! What all channels keep; one that has been idle for as long as it keeps anything is forgotten.

use std::collections::{BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use arcstr::ArcStr;
use bytes::Bytes;
use tokio::time::Instant;

use super::ring::{Kept, Ring};
use crate::history::{Keep, MessageId, Missed};

/// What all channels keep.
pub(super) struct Store {
    rings: HashMap<ArcStr, Ring>,
    expiries: BTreeSet<(Instant, ArcStr)>,
    /// The last that was given.
    last: MessageId,
    /// The last of any channel that was forgotten.
    forgotten: MessageId,
}

impl Store {
    /// An empty one.
    pub(super) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis();
        let last = MessageId {
            major: u64::try_from(now).unwrap_or(u64::MAX),
            minor: 0,
        };
        Self {
            rings: HashMap::new(),
            expiries: BTreeSet::new(),
            last,
            forgotten: last,
        }
    }

    /// Keeps a message.
    pub(super) fn append(
        &mut self,
        channel: &str,
        payload: Bytes,
        keep: Keep,
        now: Instant,
    ) -> MessageId {
        self.forget_idle(now);
        self.last.minor += 1;
        let (name, mut ring) = match self.rings.remove_entry(channel) {
            Some(found) => found,
            None => (channel.into(), Ring::new(self.forgotten, now)),
        };
        self.expiries.remove(&(ring.expires, name.clone()));
        ring.push(self.last, payload, keep, now);
        self.expiries.insert((ring.expires, name.clone()));
        self.rings.insert(name, ring);
        self.last
    }

    /// What came after an id. Without one nothing was missed.
    pub(super) fn since(
        &mut self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
        now: Instant,
    ) -> Missed {
        self.forget_idle(now);
        let ring = self.rings.get_mut(channel);
        let kept = match (ring, after) {
            (_, None) => Kept::default(),
            (None, Some(after)) => Kept {
                has_gap: after < self.forgotten,
                ..Kept::default()
            },
            (Some(ring), Some(after)) => ring.since(after, most, keep, now),
        };
        let reached = kept.messages.last().filter(|_| kept.has_more);
        Missed {
            last: reached.map_or(self.last, |(id, _)| *id),
            messages: kept.messages,
            // One that was never given is of another process.
            has_gap: kept.has_gap || after > Some(self.last),
            has_more: kept.has_more,
        }
    }

    fn forget_idle(&mut self, now: Instant) {
        while let Some((expires, _)) = self.expiries.first()
            && *expires < now
            && let Some((_, channel)) = self.expiries.pop_first()
        {
            let ring = self.rings.remove(&channel);
            let last = ring.and_then(|ring| ring.last());
            self.forgotten = self.forgotten.max(last.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEEP: Keep = Keep {
        messages: 3,
        age: Duration::from_mins(1),
    };

    fn append(store: &mut Store, count: u64) -> Vec<MessageId> {
        let mut append = |i: u64| store.append("a", i.to_string().into(), KEEP, Instant::now());
        (0..count).map(&mut append).collect()
    }

    fn since(store: &mut Store, after: Option<MessageId>, most: usize) -> (Vec<MessageId>, bool) {
        let missed = store.since("a", after, most, KEEP, Instant::now());
        let ids = missed.messages.into_iter().map(|(id, _)| id);
        (ids.collect(), missed.has_gap)
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_kept() {
        let mut store = Store::new();
        let ids = append(&mut store, 5);
        assert_eq!(since(&mut store, Some(ids[1]), 9), (ids[2..].into(), false));
        assert_eq!(since(&mut store, Some(ids[0]), 9), (ids[2..].into(), true));
        assert_eq!(since(&mut store, Some(ids[4]), 9), (vec![], false));
        assert_eq!(since(&mut store, None, 9), (vec![], false));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_asked_for_are_given() {
        let mut store = Store::new();
        let ids = append(&mut store, 3);
        let some = store.since("a", Some(ids[0]), 1, KEEP, Instant::now());
        assert_eq!(some.messages, [(ids[1], "1".into())]);
        assert_eq!((some.has_more, some.has_gap), (true, false));
        assert_eq!(some.last, ids[1]);
        let rest = store.since("a", Some(some.last), 2, KEEP, Instant::now());
        assert_eq!((rest.has_more, rest.last), (false, ids[2]));
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_older() {
        let mut store = Store::new();
        let ids = append(&mut store, 2);
        tokio::time::advance(KEEP.age + Duration::from_secs(1)).await;
        assert_eq!(since(&mut store, Some(ids[1]), 9), (vec![], false));
        assert_eq!(since(&mut store, Some(ids[0]), 9), (vec![], true));
        assert!(store.rings.is_empty() && store.expiries.is_empty());
        let more = append(&mut store, 1);
        assert_eq!(since(&mut store, Some(ids[1]), 9), (more.clone(), false));
        assert_eq!(since(&mut store, Some(ids[0]), 9), (more, true));
    }

    #[test]
    fn ids_of_another_process_are_known_as_such() {
        let mut store = Store::new();
        let before = MessageId { major: 7, minor: 9 };
        let after = MessageId {
            major: u64::MAX,
            minor: 9,
        };
        append(&mut store, 1);
        assert!(since(&mut store, Some(before), 9).1);
        assert!(since(&mut store, Some(after), 9).1);
    }
}
