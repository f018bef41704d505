//! The worker's part: its sessions subscribe here, and here messages are handed to them.
//!
//! One message after the other, so that their order is kept, and each to some of its subscribers at a time, so that the
//! sessions of the worker get their turns in between.

use std::ops::ControlFlow;

use arcstr::ArcStr;
use switchyard_bus::MessageId;
use switchyard_relay::{Delivery, Handle, SessionId};
use switchyard_telemetry::labels::NotDelivered;

use crate::channel::ChannelName;
use crate::hub::{Hub, Job, Shard, TooMany};

/// Subscribers that are handed a message before others on the worker have their turns.
const SLICE: usize = 64;

/// See the module. Clones are the same.
#[derive(Clone)]
pub struct Desk {
    hub: Hub,
    worker: usize,
}

impl Desk {
    pub(crate) fn new(hub: Hub, worker: usize) -> Self {
        Self { hub, worker }
    }

    /// The hub that it is of.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Subscribes a session of this worker to a channel. Does nothing if it is subscribed, or has gone.
    ///
    /// # Errors
    /// It has as many channels as it may have.
    pub fn subscribe(&self, handle: &Handle, channel: &ChannelName) -> Result<(), TooMany> {
        self.hub.subscribe(self.worker, handle, channel)
    }

    /// Ends a subscription, if it is there.
    pub fn unsubscribe(&self, id: SessionId, channel: &str) {
        self.hub.unsubscribe(self.worker, id, channel);
    }

    /// Ends all subscriptions of a session. To be called when it has gone ([`Handle::is_gone`]), for every session.
    pub fn forget(&self, id: SessionId) {
        self.hub.forget(self.worker, id);
    }

    /// What a session of this worker is subscribed to.
    #[must_use]
    pub fn channels_of(&self, id: SessionId) -> Vec<ArcStr> {
        self.hub.channels_of(self.worker, id)
    }

    /// The same, each with the last message that the session was handed, where its channel keeps what is published. `None` while
    /// it is being given what it missed: nobody can say then how far it is. For the worker itself, between two messages.
    #[must_use]
    pub fn positions_of(&self, id: SessionId) -> Option<Vec<(ArcStr, Option<MessageId>)>> {
        let Some(shard) = self.hub.shard(self.worker) else {
            return Some(Vec::new());
        };
        shard.book().positions(id)
    }

    /// Hands the sessions what comes for them. Never ends: run one on the worker, as long as the worker.
    pub async fn run(self) {
        let Some(shard) = self.hub.shard(self.worker) else {
            return;
        };
        let mut inbox = shard.inbox.lock().await;
        while let Some(job) = inbox.recv().await {
            shard.taken(&job);
            let mut after = SessionId::NONE;
            while let ControlFlow::Continue(last) = self.hand_on(shard, &job, after) {
                after = last;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Hands a message to the next subscribers after a session: the last of them, if there may be more.
    fn hand_on(&self, shard: &Shard, job: &Job, after: SessionId) -> ControlFlow<(), SessionId> {
        let queue = self.hub.queue();
        let (mut handed, mut last) = (0, after);
        let (mut closing, mut gone) = (0, Vec::new());
        let mut book = shard.book();
        if let Some((members, gates)) = book.receivers(&job.channel) {
            for handle in members.after(after).take(SLICE) {
                (handed, last) = (handed + 1, handle.info().id);
                if job.exclude == Some(last) {
                    continue;
                }
                let key = (last, &job.channel);
                if job
                    .id
                    .is_some_and(|id| gates.keeps(key, id, &job.message, queue))
                {
                    continue;
                }
                if handle.deliver(&job.message, queue) == Delivery::Closing {
                    closing += 1;
                    gone.extend(handle.is_gone().then_some(last));
                }
            }
        }
        let is_all = handed < SLICE;
        if let Some(id) = job.id {
            book.handed(&job.channel, id, (!is_all).then_some(last));
        }
        drop(book);
        if closing > 0 {
            let metrics = self.hub.metrics();
            metrics.dropped(NotDelivered::Closing, closing);
        }
        for id in gone {
            self.forget(id);
        }
        if is_all {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(last)
    }
}

#[cfg(test)]
mod tests;
