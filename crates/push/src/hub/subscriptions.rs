//! Sessions come to channels and leave them.

use std::sync::atomic::Ordering;

use arcstr::ArcStr;
use switchyard_relay::{Handle, SessionId};

use super::{Hub, TooMany};
use crate::book::Removed;
use crate::channel::ChannelName;
use crate::directory::Directory;
use crate::gate::Turn;

impl Hub {
    pub(crate) fn subscribe(
        &self,
        worker: usize,
        handle: &Handle,
        channel: &ChannelName,
    ) -> Result<(), TooMany> {
        self.enter(worker, handle, channel, false).map(drop)
    }

    /// The same, with what comes live held back from the beginning. The channel's name, and which gate that is, if the
    /// subscription is new.
    pub(crate) fn subscribe_held(
        &self,
        worker: usize,
        handle: &Handle,
        channel: &ChannelName,
    ) -> Result<Option<(ArcStr, Turn)>, TooMany> {
        self.enter(worker, handle, channel, true)
    }

    fn enter(
        &self,
        worker: usize,
        handle: &Handle,
        channel: &ChannelName,
        is_held: bool,
    ) -> Result<Option<(ArcStr, Turn)>, TooMany> {
        let Some(shard) = self.shard(worker) else {
            return Ok(None);
        };
        let most = self.inner.settings.load().channels_per_session;
        let id = handle.info().id;
        let mut directory = self.inner.directory();
        let mut book = shard.book();
        if book.has(id, channel) {
            return Ok(None);
        }
        if book.of(id).len() >= most {
            return Err(TooMany(most));
        }
        let known = directory.name(channel);
        let name = ArcStr::clone(known.unwrap_or_else(|| channel.shared()));
        let is_first = book.add(handle, &name);
        let gate = if is_held {
            book.gates().shut(id, &name)
        } else {
            Turn::default()
        };
        shard.counted(&book);
        if handle.is_gone() {
            // Whoever cleaned up after it may have come too early; see `forget`.
            book.remove(id, channel);
            shard.counted(&book);
            return Ok(None);
        }
        self.inner.metrics.subscribed();
        if is_first && directory.add(&name, worker) {
            self.inner.interest.follow(&name);
        }
        Ok(Some((name, gate)))
    }

    pub(crate) fn unsubscribe(&self, worker: usize, id: SessionId, channel: &str) {
        let Some(shard) = self.shard(worker) else {
            return;
        };
        let mut directory = self.inner.directory();
        let mut book = shard.book();
        let removed = book.remove(id, channel);
        shard.counted(&book);
        self.removed(&mut directory, worker, channel, removed);
    }

    /// A session has gone. Nothing but a load where the worker has no subscriptions: a subscription that is made at the same
    /// time is counted before it looks whether its session is gone.
    pub(crate) fn forget(&self, worker: usize, id: SessionId) {
        let Some(shard) = self.shard(worker) else {
            return;
        };
        if shard.sessions.load(Ordering::SeqCst) == 0 || shard.book().of(id).is_empty() {
            return;
        }
        let mut directory = self.inner.directory();
        let mut book = shard.book();
        let forgotten = book.forget(id);
        shard.counted(&book);
        for (name, removed) in forgotten {
            self.removed(&mut directory, worker, &name, removed);
        }
    }

    fn removed(&self, directory: &mut Directory, worker: usize, channel: &str, removed: Removed) {
        if removed == Removed::NotThere {
            return;
        }
        self.inner.metrics.unsubscribed(1);
        if removed == Removed::Last && directory.remove(channel, worker) {
            self.inner.interest.unfollow(channel);
        }
    }
}
