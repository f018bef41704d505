//! The sessions of one worker that are subscribed to one channel.

use std::collections::BTreeMap;
use std::ops::Bound;

use switchyard_relay::{Handle, SessionId};

/// See the module. Most channels have one subscriber, and some a hundred thousand.
#[allow(clippy::box_collection, reason = "a word smaller for all the others")]
pub(crate) enum Members {
    One(Handle),
    Many(Box<BTreeMap<SessionId, Handle>>),
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(all) => all.len(),
        }
    }

    /// Adds one that is not among them.
    pub(crate) fn add(&mut self, handle: Handle) {
        let key = |handle: &Handle| handle.info().id;
        match self {
            Self::One(first) => {
                let first = (key(first), first.clone());
                let all = BTreeMap::from([first, (key(&handle), handle)]);
                *self = Self::Many(Box::new(all));
            }
            Self::Many(all) => {
                all.insert(key(&handle), handle);
            }
        }
    }

    /// Takes one out. Whether any is left.
    pub(crate) fn remove(&mut self, id: SessionId) -> bool {
        match self {
            Self::One(only) => only.info().id != id,
            Self::Many(all) => {
                all.remove(&id);
                if all.len() == 1
                    && let Some((_, last)) = all.pop_first()
                {
                    *self = Self::One(last);
                }
                true
            }
        }
    }

    /// Those that come after a session, in the order of their names.
    pub(crate) fn after(&self, id: SessionId) -> impl Iterator<Item = &Handle> {
        let (one, many) = match self {
            Self::One(only) => (Some(only).filter(|only| only.info().id > id), None),
            Self::Many(all) => {
                let rest = (Bound::Excluded(id), Bound::Unbounded);
                (None, Some(all.range(rest).map(|(_, handle)| handle)))
            }
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use switchyard_relay::Registry;

    use super::*;
    use crate::testing::session_of;

    #[test]
    fn one_and_many_are_alike() {
        assert!(size_of::<Members>() <= 16);
        let registry = Registry::new();
        let sessions: Vec<_> = (0..3).map(|_| session_of(&registry)).collect();
        let ids: Vec<_> = sessions.iter().map(|(_, it)| it.info().id).collect();
        let after = |members: &Members, id| {
            let rest = members.after(id).map(|it| it.info().id);
            rest.collect::<Vec<_>>()
        };
        let mut members = Members::One(sessions[1].1.clone());
        assert_eq!(after(&members, ids[0]), ids[1..2]);
        assert!(after(&members, ids[1]).is_empty());
        members.add(sessions[2].1.clone());
        members.add(sessions[0].1.clone());
        assert_eq!(
            (members.len(), after(&members, ids[0])),
            (3, ids[1..].to_vec())
        );
        assert!(members.remove(ids[2]) && members.remove(ids[0]));
        assert!(matches!(members, Members::One(_)));
        assert!(members.remove(ids[0]), "it is not there");
        assert!(!members.remove(ids[1]));
    }
}
