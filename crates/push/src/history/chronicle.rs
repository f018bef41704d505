//! How far this process has got in each channel that keeps what is published, so that a bus that was gone costs nothing that
//! is still kept.
//!
//! While a channel is caught up with (`catch_up`), what comes live is held back, and follows what was missed.
//!
//! Lock order: a chronicle is locked before the hub, and never while the hub is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arcstr::ArcStr;
use switchyard_bus::MessageId;
use switchyard_relay::Message;

use crate::gate::{Held, Late, Overflow};
use crate::hub::Hub;

/// How long after it was caught up with a channel some of what was read may still come live.
const LINGER: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Default)]
pub(crate) struct Chronicles {
    all: Mutex<HashMap<ArcStr, Chronicle>>,
    /// Channels that nobody is subscribed to any more, if they could not be forgotten at once.
    ended: Mutex<Vec<ArcStr>>,
}

struct Chronicle {
    /// The last that was handed on.
    last: MessageId,
    /// What was read comes up to `last`, and may come live until then.
    known_until: Option<Instant>,
    /// The last time that messages were missed.
    attempt: Attempt,
    /// What is held back, while it is.
    held: Option<Held>,
}

/// Which time this is that messages of a channel were missed: what was read before the last of them may not be all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Attempt(u64);

/// Why what was held back is not handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotYet {
    /// It is not all that came.
    Overflow,
    /// More was missed meanwhile, or nobody is subscribed any more.
    Superseded,
}

/// What subscribers are told before they get what was held back.
pub(super) struct Notice {
    pub(super) message: Arc<Message>,
    /// Whoever was given everything up to this one by itself is not told. `None`: everyone is.
    pub(super) id: Option<MessageId>,
}

impl Chronicles {
    /// Hands a message on to the subscribers of its channel, or holds it back.
    pub(crate) fn receive(&self, hub: &Hub, channel: &ArcStr, live: &Late) {
        let mut all = self.all(hub);
        match all.get_mut(channel) {
            Some(Chronicle {
                held: Some(held), ..
            }) => held.add(live.clone(), hub.queue()),
            Some(chronicle) => {
                if !chronicle.has(live) {
                    chronicle.hand_on(hub, channel, live);
                }
            }
            None => {
                let mut chronicle = Chronicle::new(live.id);
                chronicle.hand_on(hub, channel, live);
                if hub.subscribers(channel) > 0 {
                    all.insert(channel.clone(), chronicle);
                }
            }
        }
    }

    /// A session has everything of a channel up to `last`.
    pub(crate) fn note(&self, hub: &Hub, channel: &ArcStr, last: MessageId) {
        let mut all = self.all(hub);
        if !all.contains_key(channel) && hub.subscribers(channel) > 0 {
            all.insert(channel.clone(), Chronicle::new(last));
        }
    }

    /// Nobody is subscribed to a channel any more. The hub may be locked.
    pub(crate) fn forget(&self, channel: &str) {
        if let Ok(mut all) = self.all.try_lock() {
            all.remove(channel);
        } else {
            self.ended().push(channel.into());
        }
    }

    /// Messages were missed: holds back what comes for every channel from now on.
    pub(crate) fn hold(&self, hub: &Hub) {
        for chronicle in self.all(hub).values_mut() {
            chronicle.attempt.0 += 1;
            chronicle.held.get_or_insert_default();
        }
    }

    /// The channels that are held back.
    pub(super) fn held(&self, hub: &Hub) -> Vec<ArcStr> {
        let all = self.all(hub);
        let held = all.iter().filter(|(_, it)| it.held.is_some());
        held.map(|(name, _)| name.clone()).collect()
    }

    /// After which message a channel is to be read, if it is held back.
    pub(super) fn after(&self, channel: &str) -> Option<(MessageId, Attempt)> {
        let all = self.lock();
        let chronicle = all.get(channel)?;
        let is_held = chronicle.held.is_some();
        is_held.then_some((chronicle.last, chronicle.attempt))
    }

    /// Hands on one that was missed of a channel, if it is held back still and had not got so far.
    pub(super) fn hand_on(&self, hub: &Hub, channel: &ArcStr, missed: &Late) {
        let mut all = self.all(hub);
        let chronicle = all.get_mut(channel);
        let held = chronicle.filter(|it| it.held.is_some() && missed.id > it.last);
        if let Some(chronicle) = held {
            chronicle.hand_on(hub, channel, missed);
        }
    }

    /// A channel that is held back is read up to there.
    pub(super) fn reached(&self, channel: &str, last: MessageId) {
        let mut all = self.lock();
        let chronicle = all.get_mut(channel);
        if let Some(chronicle) = chronicle.filter(|it| it.held.is_some()) {
            chronicle.last = chronicle.last.max(last);
        }
    }

    /// What was missed is handed on, up to `last`: the notice follows, and what was held back, if that is all that came and
    /// nothing was missed since this attempt began.
    pub(super) fn release(
        &self,
        hub: &Hub,
        channel: &ArcStr,
        attempt: Attempt,
        last: MessageId,
        notice: Option<Notice>,
    ) -> Result<(), NotYet> {
        let mut all = self.all(hub);
        let chronicle = all.get_mut(channel);
        let chronicle = chronicle.filter(|it| it.attempt == attempt);
        let chronicle = chronicle.ok_or(NotYet::Superseded)?;
        let held = chronicle.held.as_mut().ok_or(NotYet::Superseded)?.take();
        // It may be before where it was: if the bus has lost all it had, ids may begin anew.
        chronicle.last = last;
        let held = held.map_err(|Overflow| NotYet::Overflow)?;
        chronicle.held = None;
        if let Some(notice) = notice {
            hub.deliver_kept(channel, &notice.message, None, notice.id);
        }
        for late in held.iter().filter(|late| late.id > last) {
            chronicle.hand_on(hub, channel, late);
        }
        chronicle.known_until = Some(switchyard_relay::now() + LINGER);
        Ok(())
    }

    /// Locked, with nothing in it of channels that have no subscribers.
    fn all(&self, hub: &Hub) -> MutexGuard<'_, HashMap<ArcStr, Chronicle>> {
        let mut all = self.lock();
        // Not locked while the hub is asked.
        let ended = std::mem::take(&mut *self.ended());
        for channel in ended {
            if hub.subscribers(&channel) == 0 {
                all.remove(&channel);
            }
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ArcStr, Chronicle>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, Vec<ArcStr>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chronicle {
    fn new(last: MessageId) -> Self {
        Self {
            last,
            known_until: None,
            attempt: Attempt::default(),
            held: None,
        }
    }

    /// Whether a message that comes live was read already.
    fn has(&mut self, live: &Late) -> bool {
        let Some(until) = self.known_until else {
            return false;
        };
        let is_known = live.id <= self.last && live.message.came() < until;
        if !is_known {
            self.known_until = None;
        }
        is_known
    }

    fn hand_on(&mut self, hub: &Hub, channel: &ArcStr, late: &Late) {
        self.last = late.id;
        hub.deliver_kept(channel, &late.message, late.exclude, Some(late.id));
    }
}
