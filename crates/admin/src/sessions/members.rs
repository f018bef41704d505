//! Every subscriber of a channel, oldest first, some at a time, so that no lock is held for all of them.

use std::collections::VecDeque;

use switchyard_push::{ChannelName, Hub};
use switchyard_relay::{Handle, SessionId};

/// How many are taken at once.
const PAGE: usize = 256;

/// See the module.
pub(super) struct Members<'a> {
    hub: &'a Hub,
    channel: &'a ChannelName,
    page: VecDeque<Handle>,
    after: SessionId,
}

impl<'a> Members<'a> {
    /// Those whose names come after `after`.
    pub(super) fn after(hub: &'a Hub, channel: &'a ChannelName, after: SessionId) -> Self {
        Self {
            hub,
            channel,
            page: VecDeque::new(),
            after,
        }
    }
}

impl Iterator for Members<'_> {
    type Item = Handle;

    fn next(&mut self) -> Option<Handle> {
        if self.page.is_empty() {
            self.page = self.hub.members(self.channel, self.after, PAGE).into();
        }
        let next = self.page.pop_front()?;
        self.after = next.info().id;
        Some(next)
    }
}
