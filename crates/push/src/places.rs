//! How far the sessions of one worker have come in channels that keep what is published, for those that go on elsewhere.
//!
//! What waits for the worker's desk still has been handed to nobody.

use std::collections::HashMap;

use arcstr::ArcStr;
use switchyard_bus::MessageId;
use switchyard_relay::SessionId;

/// See the module.
#[derive(Default)]
pub(crate) struct Places {
    of: HashMap<ArcStr, Place>,
}

#[derive(Default)]
struct Place {
    /// All have it.
    last: Option<MessageId>,
    /// One that sessions are being handed, and those who have it: up to this one.
    begun: Option<(MessageId, SessionId)>,
}

impl Places {
    /// A message was handed to the sessions of a channel up to one of them; to all, if that is not said.
    pub(crate) fn handed(&mut self, channel: &ArcStr, id: MessageId, upto: Option<SessionId>) {
        let place = match self.of.get_mut(channel) {
            Some(place) => place,
            None => self.of.entry(channel.clone()).or_default(),
        };
        place.begun = upto.map(|session| (id, session));
        if upto.is_none() {
            place.last = Some(id);
        }
    }

    /// The last that a session was handed.
    pub(crate) fn of(&self, session: SessionId, channel: &str) -> Option<MessageId> {
        let place = self.of.get(channel)?;
        let begun = place.begun.filter(|(_, upto)| session <= *upto);
        begun.map(|(id, _)| id).or(place.last)
    }

    /// Nobody is subscribed to a channel any more.
    pub(crate) fn forget(&mut self, channel: &str) {
        self.of.remove(channel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_being_handed_on_is_had_by_some() {
        let (mut places, channel) = (Places::default(), ArcStr::from("a"));
        let id = |minor| MessageId { major: 0, minor };
        let of = |places: &Places, session| places.of(SessionId::of(session), "a");
        assert_eq!(of(&places, 1), None);
        places.handed(&channel, id(7), None);
        places.handed(&channel, id(8), Some(SessionId::of(5)));
        assert_eq!(of(&places, 5), Some(id(8)));
        assert_eq!(of(&places, 6), Some(id(7)));
        places.handed(&channel, id(8), None);
        assert_eq!(of(&places, 6), Some(id(8)));
        places.forget("a");
        assert_eq!(of(&places, 1), None);
    }
}
