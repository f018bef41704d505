//! What was missed, as clients get it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use switchyard_bus::MessageId;
use switchyard_relay::Message;
use switchyard_telemetry::labels::NotDelivered;

use super::Means;
use super::wrap::kept;
use crate::gate::Late;
use crate::intake::Taken;

/// Messages that are read at once: what a page of them takes is given back before anybody is waited for.
pub(super) const PAGE: usize = 128;

/// What publishers called the messages that one session was given, and where those were.
pub(super) type Known = HashMap<Box<str>, MessageId>;

/// A message that one session missed, unless it cannot be delivered or was published twice, which is counted.
pub(super) fn of_session(
    means: &Means,
    channel: &str,
    (id, whole): &(MessageId, Bytes),
    known: &mut Known,
) -> Option<Late> {
    let opened = means.intake.open(whole, &means.hub.settings());
    let opened = opened.and_then(|mut taken| {
        let name = taken.name.take();
        let first = name.map(|name| *known.entry(name).or_insert(*id));
        if first.is_some_and(|first| first != *id) {
            return Err(NotDelivered::Duplicate);
        }
        Ok(taken)
    });
    match opened {
        Ok(taken) => Some(late(channel, *id, &taken)),
        Err(why) => {
            means.hub.metrics().dropped(why, 1);
            None
        }
    }
}

/// A message that everybody here missed: taken in as those that come live.
pub(super) fn of_all(
    means: &Means,
    channel: &str,
    (id, whole): &(MessageId, Bytes),
) -> Option<Late> {
    let (settings, now) = (means.hub.settings(), switchyard_relay::now());
    let taken = means
        .intake
        .take(channel, (whole, Some(*id)), &settings, now)?;
    Some(late(channel, *id, &taken))
}

fn late(channel: &str, id: MessageId, taken: &Taken) -> Late {
    let text = kept(channel, id, &taken.payload, taken.is_binary);
    Late {
        id,
        message: Arc::new(Message::text(&text, switchyard_relay::now())),
        exclude: taken.exclude,
    }
}
