//! Puts what comes live from the stream into the order of the stream.
//!
//! A server that is alone stores one message after another and publishes them again side by side, so that two that came from
//! two connections at about the same time may come in the wrong order. Each says which was the one before it in its
//! channel; one that comes before that one is held until it has come, for a moment at most: it may have been published
//! before the channel was followed, or be lost.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// How long one is held at most.
const MOMENT: Duration = Duration::from_millis(50);

/// And how many of one channel.
const MAX_HELD: usize = 1024;

/// Where a message has its place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Its number.
    pub(super) number: u64,
    /// The number of the one before it in its channel; 0: it is the first.
    pub(super) before: u64,
}

/// What has come, of all channels that keep their messages.
pub(super) struct Sequence<K> {
    lines: HashMap<K, Line>,
    /// Those of which something is held, and until when; also some that have given it meanwhile.
    holding: BTreeMap<Instant, Vec<K>>,
}

/// What has come of one channel.
#[derive(Default)]
struct Line {
    /// The last that was given; `None`: none was.
    last: Option<u64>,
    /// By their numbers.
    held: BTreeMap<u64, Held>,
    /// Until when the one of them that has waited longest is held.
    until: Option<Instant>,
}

/// One that waits for the one before it.
struct Held {
    before: u64,
    payload: Bytes,
    until: Instant,
}

/// What may be given, in order.
pub(super) type Given = Vec<(u64, Bytes)>;

impl<K: Clone + Eq + Hash> Sequence<K> {
    pub(super) fn new() -> Self {
        Self {
            lines: HashMap::new(),
            holding: BTreeMap::new(),
        }
    }

    /// One has come; these may be given now.
    pub(super) fn take(&mut self, key: &K, place: Place, payload: Bytes) -> Given {
        let line = self.lines.entry(key.clone()).or_default();
        if line.is_next(place) {
            line.last = Some(place.number);
            let mut given = vec![(place.number, payload)];
            if line.give_next(&mut given) {
                self.hold(key);
            }
            return given;
        }
        line.hold(place, payload);
        if line.held.len() > MAX_HELD {
            return line.give_all();
        }
        if line.until.is_none() {
            self.hold(key);
        }
        Vec::new()
    }

    /// Sees to it that what a channel has waiting does not wait for too long.
    fn hold(&mut self, key: &K) {
        if let Some(line) = self.lines.get_mut(key) {
            line.until = line.held.values().map(|held| held.until).min();
            if let Some(until) = line.until {
                self.holding.entry(until).or_default().push(key.clone());
            }
        }
    }

    /// When something has been held for long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.holding.keys().next().copied()
    }

    /// What has been held for long enough, by channel.
    pub(super) fn give_up(&mut self) -> Vec<(K, Given)> {
        let Some((until, keys)) = self.holding.pop_first() else {
            return Vec::new();
        };
        let given = keys.into_iter().filter_map(|key| {
            let line = self.lines.get_mut(&key)?;
            // What was held then may have been given, and other things be held now.
            (line.until == Some(until)).then(|| (key, line.give_all()))
        });
        given.collect()
    }

    /// The channel is not followed any more.
    pub(super) fn forget(&mut self, key: &K) {
        self.lines.remove(key);
    }
}

impl Line {
    /// One that is no later than the last has come too late to wait for anything, or is of another stream.
    fn is_next(&self, place: Place) -> bool {
        let is_known = |last| place.before <= last || place.number <= last;
        place.before == 0 || self.last.is_some_and(is_known)
    }

    fn hold(&mut self, place: Place, payload: Bytes) {
        let held = Held {
            before: place.before,
            payload,
            until: Instant::now() + MOMENT,
        };
        self.held.insert(place.number, held);
    }

    /// Those that need not wait any longer; whether there are any.
    fn give_next(&mut self, given: &mut Given) -> bool {
        let before = given.len();
        while let Some(first) = self.held.first_entry()
            && Some(first.get().before) <= self.last
        {
            let (number, held) = first.remove_entry();
            self.last = Some(number);
            given.push((number, held.payload));
        }
        given.len() > before
    }

    fn give_all(&mut self) -> Given {
        self.until = None;
        let held = std::mem::take(&mut self.held);
        self.last = held.keys().last().copied().or(self.last);
        let given = held.into_iter();
        given.map(|(number, held)| (number, held.payload)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(sequence: &mut Sequence<char>, key: char, number: u64, before: u64) -> Vec<u64> {
        let given = sequence.take(&key, Place { number, before }, Bytes::new());
        given.into_iter().map(|(number, _)| number).collect()
    }

    /// A sequence in which 10 has come.
    fn begun() -> Sequence<char> {
        let mut sequence = Sequence::new();
        assert_eq!(take(&mut sequence, 'a', 10, 0), [10]);
        sequence
    }

    #[tokio::test]
    async fn what_comes_in_order_is_given_at_once() {
        let mut sequence = begun();
        assert_eq!(take(&mut sequence, 'a', 12, 10), [12]);
        assert_eq!(take(&mut sequence, 'a', 17, 12), [17]);
        assert_eq!(sequence.due(), None);
    }

    #[tokio::test]
    async fn one_that_comes_too_early_is_held() {
        let mut sequence = begun();
        assert!(take(&mut sequence, 'a', 17, 15).is_empty());
        assert!(take(&mut sequence, 'a', 15, 12).is_empty());
        assert_eq!(take(&mut sequence, 'b', 16, 0), [16]);
        assert_eq!(take(&mut sequence, 'a', 12, 10), [12, 15, 17]);
        assert_eq!(take(&mut sequence, 'a', 18, 17), [18]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_missing_is_not_waited_for_for_long() {
        let mut sequence = begun();
        let due = Instant::now() + MOMENT;
        assert!(take(&mut sequence, 'a', 17, 15).is_empty());
        assert_eq!(sequence.due(), Some(due));
        assert_eq!(sequence.give_up(), [('a', vec![(17, Bytes::new())])]);
        assert_eq!(sequence.due(), None);
        assert_eq!(take(&mut sequence, 'a', 15, 12), [15], "late, and not lost");
    }

    #[tokio::test]
    async fn the_first_may_not_be_the_first() {
        let mut sequence = Sequence::new();
        assert!(take(&mut sequence, 'a', 12, 10).is_empty());
        assert!(take(&mut sequence, 'a', 10, 9).is_empty());
        let (_, given) = sequence.give_up().remove(0);
        assert_eq!(
            given.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            [10, 12]
        );
        assert_eq!(take(&mut sequence, 'a', 13, 12), [13]);
    }

    #[tokio::test]
    async fn another_stream_begins_anew() {
        let mut sequence = begun();
        assert_eq!(take(&mut sequence, 'a', 1, 0), [1]);
        assert_eq!(take(&mut sequence, 'a', 2, 1), [2]);
    }

    #[tokio::test]
    async fn so_many_are_held() {
        let mut sequence = begun();
        let held = u64::try_from(MAX_HELD).unwrap();
        for number in 0..held {
            assert!(take(&mut sequence, 'a', 100 + number, 50 + number).is_empty());
        }
        assert_eq!(take(&mut sequence, 'a', 5000, 4999).len(), MAX_HELD + 1);
    }

    #[tokio::test]
    async fn what_is_forgotten_costs_nothing() {
        let mut sequence = begun();
        assert!(take(&mut sequence, 'a', 17, 15).is_empty());
        sequence.forget(&'a');
        assert!(sequence.lines.is_empty());
        assert_eq!(sequence.give_up(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_held_for_its_own_time() {
        let mut sequence = begun();
        let begun = Instant::now();
        assert!(take(&mut sequence, 'a', 12, 11).is_empty());
        tokio::time::advance(MOMENT / 2).await;
        assert!(take(&mut sequence, 'a', 15, 14).is_empty());
        assert_eq!(take(&mut sequence, 'a', 11, 10), [11, 12]);
        assert_eq!(sequence.due(), Some(begun + MOMENT));
        assert_eq!(sequence.give_up(), [], "15 has not been held for so long");
        assert_eq!(sequence.due(), Some(begun + MOMENT + MOMENT / 2));
        assert_eq!(sequence.give_up(), [('a', vec![(15, Bytes::new())])]);

        // All was given, and something else is held.
        assert!(take(&mut sequence, 'a', 18, 17).is_empty());
        assert_eq!(take(&mut sequence, 'a', 17, 15), [17, 18]);
        tokio::time::advance(MOMENT / 2).await;
        assert!(take(&mut sequence, 'a', 21, 20).is_empty());
        assert_eq!(sequence.give_up(), []);
        assert_eq!(sequence.give_up(), [('a', vec![(21, Bytes::new())])]);
        assert_eq!(sequence.due(), None);
    }
}
