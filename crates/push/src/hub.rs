//! The subscriptions of this process, and the first part of a message's way: from the bus to the workers.
//!
//! Locked when a session subscribes or leaves, once for a message that comes, and for what an operator asks; never for a
//! frame. The directory's lock is taken before that of a worker's book, and what the bus is to follow is said under it, so
//! that the bus hears of a channel's beginnings and ends in the order in which they were.
//!
//! Not here: the second part of the way (`desk`), and what is a message (`intake`).

mod shard;
mod subscriptions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use arcstr::ArcStr;
use switchyard_bus::MessageId;
use switchyard_config as config;
use switchyard_relay::{Handle, Message, OnFull, Queue, SessionId};
use switchyard_telemetry::PushMetrics;
use switchyard_telemetry::labels::NotDelivered;

use crate::desk::Desk;
use crate::directory::Directory;
use crate::members::Members;
pub(crate) use shard::{Job, Shard};

/// What is told which channels have subscribers here. It is called under a lock and must not wait.
pub trait Interest: Send + Sync + 'static {
    /// A channel has its first subscriber.
    fn follow(&self, channel: &ArcStr);

    /// A channel has no subscriber any more.
    fn unfollow(&self, channel: &str);
}

/// See the module. Clones are the same.
#[derive(Clone)]
pub struct Hub {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    directory: Mutex<Directory>,
    shards: Box<[Shard]>,
    settings: ArcSwap<config::Push>,
    interest: Arc<dyn Interest>,
    pub(crate) metrics: PushMetrics,
}

/// A session has as many channels as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session may have {0} channels (`push.channels_per_session`)")]
pub struct TooMany(pub usize);

impl Hub {
    /// One for so many workers, without subscriptions.
    #[must_use]
    pub fn new(
        workers: usize,
        settings: config::Push,
        metrics: PushMetrics,
        interest: Arc<dyn Interest>,
    ) -> Self {
        let inner = Inner {
            directory: Mutex::default(),
            shards: (0..workers.max(1)).map(|_| Shard::new()).collect(),
            settings: ArcSwap::from_pointee(settings),
            interest,
            metrics,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The desk of a worker; they are numbered from 0. One desk is shared where there are more than there were to be.
    #[must_use]
    pub fn desk(&self, worker: usize) -> Desk {
        Desk::new(self.clone(), worker % self.inner.shards.len())
    }

    /// Goes by other settings from now on. Subscriptions that are too many now stay.
    pub fn adopt(&self, settings: config::Push) {
        self.inner.settings.store(Arc::new(settings));
    }

    /// What it goes by.
    #[must_use]
    pub fn settings(&self) -> Arc<config::Push> {
        self.inner.settings.load_full()
    }

    /// What may wait for one session.
    #[must_use]
    pub fn queue(&self) -> Queue {
        let settings = self.inner.settings.load();
        Queue {
            messages: settings.queue.messages,
            bytes: settings.queue.bytes,
            on_full: match settings.queue.on_full {
                config::OnFull::DropOldest => OnFull::DropOldest,
                config::OnFull::DropNewest => OnFull::DropNewest,
                config::OnFull::Close => OnFull::Close,
            },
        }
    }

    /// Sends a message on its way to every subscriber of a channel but one. Never waits. Messages of one channel reach each
    /// subscriber in the order of these calls, if they are not made at the same time.
    pub fn deliver(&self, channel: &str, message: &Arc<Message>, exclude: Option<SessionId>) {
        self.deliver_kept(channel, message, exclude, None);
    }

    /// The same for a message that has an id, because its channel keeps what is published.
    pub(crate) fn deliver_kept(
        &self,
        channel: &str,
        message: &Arc<Message>,
        exclude: Option<SessionId>,
        id: Option<MessageId>,
    ) {
        let (name, workers) = {
            let directory = self.inner.directory();
            let Some(name) = directory.name(channel) else {
                return;
            };
            (name.clone(), directory.workers(channel))
        };
        for shard in workers.iter().filter_map(|worker| self.shard(*worker)) {
            let job = Job {
                channel: name.clone(),
                message: Arc::clone(message),
                exclude,
                id,
            };
            if !shard.accept(job) {
                self.inner.metrics.dropped(NotDelivered::Overrun, 1);
            }
        }
    }

    /// Whether the workers whose sessions are subscribed to a channel have room for more than what comes live.
    pub(crate) fn has_room(&self, channel: &str) -> bool {
        let workers = self.inner.directory().workers(channel);
        let mut shards = workers.iter().filter_map(|worker| self.shard(*worker));
        shards.all(Shard::has_room)
    }

    /// How many sessions are subscribed to a channel.
    #[must_use]
    pub fn subscribers(&self, channel: &str) -> usize {
        let workers = self.inner.directory().workers(channel);
        let shards = workers.iter().filter_map(|worker| self.shard(*worker));
        let of_shard = |shard: &Shard| shard.book().members(channel).map_or(0, Members::len);
        shards.map(of_shard).sum()
    }

    /// Up to `most` channels with subscribers that begin with `prefix` and come after `after`, in order, each with how many it
    /// has.
    #[must_use]
    pub fn channels(&self, prefix: &str, after: Option<&str>, most: usize) -> Vec<(ArcStr, usize)> {
        let page = self.inner.directory().page(prefix, after, most);
        let counted = page.into_iter().map(|name| {
            let subscribers = self.subscribers(&name);
            (name, subscribers)
        });
        counted.collect()
    }

    /// Up to `most` subscribers of a channel whose names come after `after`, oldest first.
    #[must_use]
    pub fn members(&self, channel: &str, after: SessionId, most: usize) -> Vec<Handle> {
        let mut all = Vec::new();
        let workers = self.inner.directory().workers(channel);
        for shard in workers.iter().filter_map(|worker| self.shard(*worker)) {
            if let Some(members) = shard.book().members(channel) {
                all.extend(members.after(after).take(most).cloned());
            }
        }
        all.sort_unstable_by_key(|handle: &Handle| handle.info().id);
        all.truncate(most);
        all
    }

    /// What a session of a worker is subscribed to.
    #[must_use]
    pub fn channels_of(&self, worker: usize, id: SessionId) -> Vec<ArcStr> {
        let shard = self.shard(worker % self.inner.shards.len());
        shard.map_or_else(Vec::new, |shard| shard.book().of(id).to_vec())
    }

    pub(crate) fn metrics(&self) -> &PushMetrics {
        &self.inner.metrics
    }

    pub(crate) fn shard(&self, worker: usize) -> Option<&Shard> {
        self.inner.shards.get(worker)
    }
}

impl Inner {
    fn directory(&self) -> MutexGuard<'_, Directory> {
        let directory = self.directory.lock();
        directory.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
