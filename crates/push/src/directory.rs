//! Which workers have subscribers of which channel: one list for the process.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use arcstr::ArcStr;

/// See the module. In order of names, so that it can be gone through in pages.
#[derive(Default)]
pub(crate) struct Directory {
    channels: BTreeMap<ArcStr, Workers>,
}

/// Workers, by their numbers; most channels have subscribers on one.
#[allow(clippy::box_collection, reason = "a word smaller for all the others")]
enum Workers {
    One(usize),
    Many(Box<BTreeSet<usize>>),
}

impl Directory {
    /// The name under which a channel is in here, so that all who keep it can share it.
    pub(crate) fn name(&self, channel: &str) -> Option<&ArcStr> {
        Some(self.channels.get_key_value(channel)?.0)
    }

    /// A worker has a first subscriber of a channel. Whether the process has.
    pub(crate) fn add(&mut self, channel: &ArcStr, worker: usize) -> bool {
        if let Some(workers) = self.channels.get_mut(channel) {
            workers.add(worker);
            return false;
        }
        let only = Workers::One(worker);
        self.channels.insert(channel.clone(), only);
        true
    }

    /// A worker has no subscribers of a channel any more. Whether the process has none.
    pub(crate) fn remove(&mut self, channel: &str, worker: usize) -> bool {
        let Some(workers) = self.channels.get_mut(channel) else {
            return false;
        };
        if workers.remove(worker) {
            return false;
        }
        self.channels.remove(channel);
        true
    }

    /// The workers with subscribers of a channel.
    pub(crate) fn workers(&self, channel: &str) -> Vec<usize> {
        let workers = self.channels.get(channel);
        workers.map_or_else(Vec::new, Workers::numbers)
    }

    /// Up to `most` channels that begin with `prefix` and come after `after`, in order.
    pub(crate) fn page(&self, prefix: &str, after: Option<&str>, most: usize) -> Vec<ArcStr> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let rest = self.channels.range::<str, _>((from, Bound::Unbounded));
        let fitting = rest.take_while(|(name, _)| name.starts_with(prefix));
        fitting.take(most).map(|(name, _)| name.clone()).collect()
    }
}

impl Workers {
    fn add(&mut self, worker: usize) {
        match self {
            Self::One(only) => *self = Self::Many(Box::new(BTreeSet::from([*only, worker]))),
            Self::Many(all) => {
                all.insert(worker);
            }
        }
    }

    /// Whether any is left.
    fn remove(&mut self, worker: usize) -> bool {
        match self {
            Self::One(only) => *only != worker,
            Self::Many(all) => {
                all.remove(&worker);
                if all.len() == 1
                    && let Some(last) = all.pop_first()
                {
                    *self = Self::One(last);
                }
                true
            }
        }
    }

    fn numbers(&self) -> Vec<usize> {
        match self {
            Self::One(only) => vec![*only],
            Self::Many(all) => all.iter().copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(channels: &[(&str, usize)]) -> Directory {
        let mut directory = Directory::default();
        for (channel, worker) in channels {
            directory.add(&ArcStr::from(*channel), *worker);
        }
        directory
    }

    #[test]
    fn a_channel_is_there_while_any_worker_has_subscribers() {
        let mut directory = directory(&[("a", 0), ("a", 2), ("a", 1)]);
        assert_eq!(directory.workers("a"), [0, 1, 2]);
        assert!(!directory.remove("a", 1));
        assert!(!directory.remove("a", 0));
        assert!(!directory.remove("a", 0), "it has none any more");
        assert_eq!(directory.workers("a"), [2]);
        assert!(directory.remove("a", 2));
        assert!(directory.name("a").is_none());
        assert!(!directory.remove("a", 2));
        assert!(directory.add(&ArcStr::from("a"), 0));
    }

    #[test]
    fn channels_come_in_pages_in_order() {
        let all = ["a", "room:1", "room:10", "room:2", "z"];
        let directory = directory(&all.map(|name| (name, 0)));
        let page = |prefix, after, most| {
            let page = directory.page(prefix, after, most);
            page.iter()
                .map(|name| String::from(&**name))
                .collect::<Vec<_>>()
        };
        assert_eq!(page("", None, 9), all);
        assert_eq!(page("room:", None, 2), ["room:1", "room:10"]);
        assert_eq!(page("room:", Some("room:10"), 2), ["room:2"]);
        assert_eq!(page("room:", Some("a"), 1), ["room:1"]);
        assert!(page("room:", Some("s"), 9).is_empty());
        assert!(page("b", None, 9).is_empty());
    }
}
