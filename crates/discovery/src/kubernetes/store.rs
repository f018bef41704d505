//! The slices of a service as they were last told, and the endpoints that are in them all together.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::found::{Found, Stance};

/// What each slice contributes, by the slice's name.
#[derive(Debug, Default)]
pub(super) struct Store(BTreeMap<String, Vec<Found>>);

impl Store {
    /// A slice is there, in this form.
    pub(super) fn set(&mut self, name: String, found: Vec<Found>) {
        self.0.insert(name, found);
    }

    /// A slice is gone.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Everyone, each address once, in the order of their addresses. An endpoint that moves from one
    /// slice to another is in both for a while: where one says ready and the other leaving it is
    /// ready, and otherwise the first slice by name counts.
    pub(super) fn members(&self) -> Vec<Found> {
        let mut members: BTreeMap<SocketAddr, &Found> = BTreeMap::new();
        for found in self.0.values().flatten() {
            let known = members.entry(found.address).or_insert(found);
            if (known.stance, found.stance) == (Stance::Leaving, Stance::Ready) {
                *known = found;
            }
        }
        members.into_values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn found(address: &str, stance: Stance) -> Found {
        Found {
            address: address.parse().unwrap(),
            name: None,
            weight: NonZeroU32::MIN,
            zone: None,
            stance,
        }
    }

    #[test]
    fn ready_wins_in_either_order() {
        let (ready, leaving) = (
            found("10.0.0.1:80", Stance::Ready),
            found("10.0.0.1:80", Stance::Leaving),
        );
        for (first, second) in [(&ready, &leaving), (&leaving, &ready)] {
            let mut store = Store::default();
            store.set("a".into(), vec![first.clone()]);
            store.set("b".into(), vec![second.clone()]);
            assert_eq!(store.members(), std::slice::from_ref(&ready));
        }
    }

    #[test]
    fn members_are_in_order_and_a_slice_that_is_gone_takes_its_own_along() {
        let [one, two] = ["10.0.0.9:80", "10.0.0.10:80"].map(|at| found(at, Stance::Ready));
        let mut store = Store::default();
        store.set("a".into(), vec![two.clone()]);
        store.set("b".into(), vec![one.clone()]);
        assert_eq!(store.members(), [one, two.clone()]);
        store.remove("b");
        assert_eq!(store.members(), [two]);
    }
}
