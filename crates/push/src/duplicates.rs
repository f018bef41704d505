//! The ids of messages that came, for a while: the second message of an id in a channel is not delivered.
//!
//! Of an id 128 bits are kept, hashed with keys that nobody knows, so that nobody can make two look alike, and the place of
//! its message, where these are kept. One takes about 100 bytes, all that there can be 100 MiB.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use switchyard_bus::MessageId;

/// The most ids that are remembered: where more come, old ones are forgotten early, and the log says so.
const MOST: usize = 1 << 20;

/// See the module.
pub struct Duplicates {
    keys: [RandomState; 2],
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    ids: HashMap<u128, Option<MessageId>>,
    /// The same, oldest first, with when they came.
    order: VecDeque<(Instant, u128)>,
    /// Some were forgotten early, and it was said.
    is_full: bool,
}

impl Duplicates {
    /// One that remembers nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            seen: Mutex::default(),
        }
    }

    /// Whether a message of that id has not come in the channel in the time for which ids are remembered, or is the same that
    /// came, in the place that it had. It has from now on.
    pub fn is_new(
        &self,
        (channel, id): (&str, &str),
        place: Option<MessageId>,
        now: Instant,
        remember: Duration,
    ) -> bool {
        self.is_new_among(MOST, (channel, id), place, now, remember)
    }

    fn is_new_among(
        &self,
        most: usize,
        (channel, id): (&str, &str),
        place: Option<MessageId>,
        now: Instant,
        remember: Duration,
    ) -> bool {
        let [high, low] = self.keys.each_ref().map(|key| key.hash_one((channel, id)));
        let hash = u128::from(high) << u64::BITS | u128::from(low);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget(now, remember);
        match seen.ids.entry(hash) {
            Entry::Occupied(known) => return place.is_some() && *known.get() == place,
            Entry::Vacant(new) => _ = new.insert(place),
        }
        seen.order.push_back((now, hash));
        seen.bound(most);
        true
    }
}

impl Default for Duplicates {
    fn default() -> Self {
        Self::new()
    }
}

impl Seen {
    /// Forgets what came so long ago.
    fn forget(&mut self, now: Instant, remember: Duration) {
        while let Some((came, hash)) = self.order.front()
            && now.saturating_duration_since(*came) >= remember
        {
            self.ids.remove(hash);
            self.order.pop_front();
        }
        if self.order.capacity() > 1024 && self.order.len() < self.order.capacity() / 8 {
            self.order.shrink_to(self.order.len() * 2);
            self.ids.shrink_to(self.ids.len() * 2);
        }
    }

    fn bound(&mut self, most: usize) {
        if self.order.len() <= most {
            self.is_full &= self.order.len() > most / 2;
            return;
        }
        if let Some((_, hash)) = self.order.pop_front() {
            self.ids.remove(&hash);
        }
        if !std::mem::replace(&mut self.is_full, true) {
            tracing::warn!(
                most,
                "more ids of messages than can be remembered for push.remember_ids; old ones are forgotten early"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn the_second_of_an_id_is_none() {
        let (duplicates, now) = (Duplicates::new(), Instant::now());
        let is_new = |channel, id, now| duplicates.is_new((channel, id), None, now, MINUTE);
        assert!(is_new("a", "1", now));
        assert!(!is_new("a", "1", now + MINUTE / 2));
        assert!(is_new("a", "2", now));
        assert!(is_new("b", "1", now));
        assert!(is_new("a1", "", now), "where the channel ends matters");
        assert!(is_new("a", "1", now + MINUTE), "it is a minute old");
        assert!(!is_new("a", "1", now + MINUTE));
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let (duplicates, now) = (Duplicates::new(), Instant::now());
        let is_new =
            |id: u32| duplicates.is_new_among(100, ("a", &id.to_string()), None, now, MINUTE);
        assert!((0..101).all(is_new));
        assert!(!is_new(1));
        assert!(is_new(0), "the oldest was forgotten");
        let seen = duplicates.seen.lock().expect("not poisoned");
        assert_eq!((seen.ids.len(), seen.order.len()), (100, 100));
        assert!(seen.is_full);
    }

    #[test]
    fn room_is_given_back() {
        let (duplicates, now) = (Duplicates::new(), Instant::now());
        for id in 0..100_000 {
            duplicates.is_new(("a", &id.to_string()), None, now, MINUTE);
        }
        duplicates.is_new(("a", "last"), None, now + MINUTE, MINUTE);
        let seen = duplicates.seen.lock().expect("not poisoned");
        assert_eq!((seen.ids.len(), seen.order.len()), (1, 1));
        assert!(seen.order.capacity() < 100 && seen.ids.capacity() < 100);
    }
}
