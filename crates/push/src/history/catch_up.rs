//! Messages were missed: every channel is caught up with, from where it was.
//!
//! One task does this. What is missed while it is at work is for its next round, which begins a while after the last: a bus
//! that says after every message that there were others has this one reading at a time.

use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use futures_util::{StreamExt as _, stream};
use switchyard_bus::{MessageId, Status};
use switchyard_relay::Message;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::chronicle::{Attempt, NotYet, Notice};
use super::missed::{PAGE, of_all};
use super::reading::Reading;
use super::wrap::marker;
use super::{Means, RETRY, TRIES, keep};

/// Between the end of one round and the beginning of the next.
const REST: Duration = Duration::from_secs(1);

/// Channels that are caught up with side by side.
const AT_ONCE: usize = 8;

/// How long workers that are behind are waited for. What they have no room for then is dropped there, as any message.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether they have room.
const PAUSE: Duration = Duration::from_millis(5);

/// Catches up whenever it is told that there is something to catch up with.
pub(super) async fn run(means: Arc<Means>, missed: Arc<Notify>) {
    loop {
        missed.notified().await;
        let channels = means.chronicles.held(&means.hub);
        let each = stream::iter(channels);
        each.for_each_concurrent(AT_ONCE, |channel| {
            let means = &means;
            async move {
                Course::new(means, &channel).run().await;
            }
        })
        .await;
        sleep(REST).await;
    }
}

/// One channel that is caught up with.
pub(super) struct Course<'a> {
    means: &'a Means,
    channel: &'a ArcStr,
    handed_on: usize,
    has_gap: bool,
}

/// How far a page got.
enum Step {
    More,
    /// Everything is handed on.
    Done(MessageId),
    /// The bus is there, and cannot be read.
    Failed,
    /// Nobody is subscribed any more.
    Over,
}

impl<'a> Course<'a> {
    pub(super) fn new(means: &'a Means, channel: &'a ArcStr) -> Self {
        Self {
            means,
            channel,
            handed_on: 0,
            has_gap: false,
        }
    }

    /// Hands on what was missed, and then what was held back.
    async fn run(mut self) {
        let chronicles = &self.means.chronicles;
        let mut failures = 0;
        while let Some((after, attempt)) = chronicles.after(self.channel) {
            match self.page(after).await {
                Step::More => continue,
                Step::Done(last) => match self.release(attempt, last) {
                    Ok(()) | Err(NotYet::Superseded) => return,
                    Err(NotYet::Overflow) => {}
                },
                Step::Failed => sleep(RETRY).await,
                Step::Over => return,
            }
            failures += 1;
            if failures >= TRIES {
                return self.give_up(attempt);
            }
        }
    }

    async fn page(&mut self, after: MessageId) -> Step {
        let Means {
            bus,
            hub,
            chronicles,
            ..
        } = self.means;
        let Some(keep) = keep(&hub.settings(), self.channel) else {
            // Nothing is kept any more.
            return Step::Done(after);
        };
        let mut status = bus.status();
        let read = bus.since(self.channel, Some(after), PAGE, keep).await;
        let standing = *status.borrow();
        let missed = match Reading::of(read, Some(after), standing) {
            Reading::Page(missed) => missed,
            Reading::Gone => {
                let back = status.wait_for(|status| *status == Status::Connected);
                return back.await.map_or(Step::Over, |_| Step::More);
            }
            Reading::Failed(error) => {
                tracing::warn!(channel = %self.channel, %error, "what was missed could not be read");
                return Step::Failed;
            }
        };
        self.has_gap |= missed.has_gap;
        for message in &missed.messages {
            self.room().await;
            if let Some(late) = of_all(self.means, self.channel, message) {
                chronicles.hand_on(hub, self.channel, &late);
                self.handed_on += 1;
            }
        }
        if missed.has_more {
            chronicles.reached(self.channel, missed.last);
            return Step::More;
        }
        Step::Done(missed.last)
    }

    /// Waits until the workers are not far behind.
    async fn room(&self) {
        let waiting = async {
            while !self.means.hub.has_room(self.channel) {
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, waiting).await.ok();
    }

    fn release(&self, attempt: Attempt, last: MessageId) -> Result<(), NotYet> {
        let Means {
            hub, chronicles, ..
        } = self.means;
        let notice = self.has_gap.then(|| Notice {
            message: self.notice(last),
            id: Some(last),
        });
        chronicles.release(hub, self.channel, attempt, last, notice)
    }

    /// What was missed stays so, and the subscribers are told; unless more was missed meanwhile, which is for the next round.
    pub(super) fn give_up(self, attempt: Attempt) {
        let Means {
            hub, chronicles, ..
        } = self.means;
        let Some((last, _)) = chronicles.after(self.channel) else {
            return;
        };
        let release = || {
            // Nobody can have been given what could not be read.
            let notice = Notice {
                message: self.notice(last),
                id: None,
            };
            chronicles.release(hub, self.channel, attempt, last, Some(notice))
        };
        if release() == Err(NotYet::Overflow) {
            // The second time nothing is held that could have been too much.
            release().ok();
        }
    }

    /// The marker for clients that were there when messages were lost.
    fn notice(&self, last: MessageId) -> Arc<Message> {
        let text = marker(self.channel, self.handed_on, true, last);
        Arc::new(Message::text(&text, switchyard_relay::now()))
    }
}
