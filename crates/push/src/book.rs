//! Who of one worker's sessions is subscribed to what, both ways round.

use std::collections::HashMap;

use arcstr::ArcStr;
use switchyard_bus::MessageId;
use switchyard_relay::{Handle, SessionId};

use crate::gate::{Gates, Standing};
use crate::members::Members;
use crate::places::Places;

/// See the module.
#[derive(Default)]
pub(crate) struct Book {
    channels: HashMap<ArcStr, Members>,
    sessions: HashMap<SessionId, Vec<ArcStr>>,
    gates: Gates,
    places: Places,
}

impl Book {
    /// Whether a session is subscribed to a channel.
    pub(crate) fn has(&self, id: SessionId, channel: &str) -> bool {
        self.of(id).iter().any(|name| **name == *channel)
    }

    /// The channels of a session, in the order in which it was subscribed.
    pub(crate) fn of(&self, id: SessionId) -> &[ArcStr] {
        self.sessions.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The subscribers of a channel.
    pub(crate) fn members(&self, channel: &str) -> Option<&Members> {
        self.channels.get(channel)
    }

    /// The same, with what may be held back from them.
    pub(crate) fn receivers(&mut self, channel: &str) -> Option<(&Members, &mut Gates)> {
        Some((self.channels.get(channel)?, &mut self.gates))
    }

    /// What is held back.
    pub(crate) fn gates(&mut self) -> &mut Gates {
        &mut self.gates
    }

    /// A message was handed on: to the sessions up to one, or to all.
    pub(crate) fn handed(&mut self, channel: &ArcStr, id: MessageId, upto: Option<SessionId>) {
        if self.channels.contains_key(channel) {
            self.places.handed(channel, id, upto);
        }
    }

    /// What a session is subscribed to, each with the last message that it was handed, where that is known. `None` while it is
    /// being given what it missed of one.
    pub(crate) fn positions(&self, id: SessionId) -> Option<Vec<(ArcStr, Option<MessageId>)>> {
        let position = |name: &ArcStr| {
            let handed = self.places.of(id, name);
            let last = match self.gates.standing(id, name) {
                Standing::Shut => return None,
                Standing::Given(last) => handed.max(Some(last)),
                Standing::Free => handed,
            };
            Some((name.clone(), last))
        };
        self.of(id).iter().map(position).collect()
    }

    /// How many sessions are subscribed to anything.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Adds a subscription that is not there. Whether it is the first of its channel.
    pub(crate) fn add(&mut self, handle: &Handle, channel: &ArcStr) -> bool {
        let names = self.sessions.entry(handle.info().id).or_default();
        if names.is_empty() {
            // Most sessions have one.
            names.reserve_exact(1);
        }
        names.push(channel.clone());
        if let Some(members) = self.channels.get_mut(channel) {
            members.add(handle.clone());
            return false;
        }
        let only = Members::One(handle.clone());
        self.channels.insert(channel.clone(), only);
        true
    }

    /// Takes a subscription out, if it is there.
    pub(crate) fn remove(&mut self, id: SessionId, channel: &str) -> Removed {
        let Some(names) = self.sessions.get_mut(&id) else {
            return Removed::NotThere;
        };
        let Some(at) = names.iter().position(|name| **name == *channel) else {
            return Removed::NotThere;
        };
        let name = names.remove(at);
        self.gates.forget(id, &name);
        if names.is_empty() {
            self.sessions.remove(&id);
        }
        self.leave(id, channel)
    }

    /// Takes a session out. What it was subscribed to, and which of these channels it was the last of.
    pub(crate) fn forget(&mut self, id: SessionId) -> Vec<(ArcStr, Removed)> {
        let names = self.sessions.remove(&id).unwrap_or_default();
        let left = names.into_iter().map(|name| {
            self.gates.forget(id, &name);
            let removed = self.leave(id, &name);
            (name, removed)
        });
        left.collect()
    }

    fn leave(&mut self, id: SessionId, channel: &str) -> Removed {
        let Some(members) = self.channels.get_mut(channel) else {
            return Removed::NotThere;
        };
        if members.remove(id) {
            return Removed::OneOfMany;
        }
        self.channels.remove(channel);
        self.places.forget(channel);
        Removed::Last
    }
}

/// What became of a subscription that was to be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    /// There was none.
    NotThere,
    /// The channel has others.
    OneOfMany,
    /// The channel has none left.
    Last,
}
