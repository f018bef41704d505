//! One session that comes to one channel that keeps what is published: what it missed, then a marker, then what came
//! meanwhile.
//!
//! It is read in pages. Of a page the session is given what its queue has room for; the rest is let go, and read again when
//! that is written. So nobody waits for this but the session, and it holds no more than a queue holds.

use std::sync::Arc;

use arcstr::ArcStr;
use switchyard_bus::{Keep, MessageId, Missed, Status};
use switchyard_relay::{Delivery, Handle, Message, Queue};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::missed::{Known, PAGE, of_session};
use super::patience::Patience;
use super::reading::Reading;
use super::wrap::marker;
use super::{Means, RETRY, TRIES};
use crate::gate::{Overflow, Turn};

/// See the module.
pub(super) struct Recovery {
    pub(super) worker: usize,
    pub(super) handle: Handle,
    pub(super) channel: ArcStr,
    /// Which gate is to be opened.
    pub(super) gate: Turn,
    pub(super) after: Option<MessageId>,
    pub(super) keep: Keep,
}

/// How far it has come.
#[derive(Default)]
struct Course {
    recovered: usize,
    has_gap: bool,
    last: MessageId,
    known: Known,
}

/// What came of giving a page.
enum Given {
    All,
    /// So many: there was no room for more.
    Some(usize),
}

/// The session has gone, or its subscription has ended.
struct Over;

impl Recovery {
    /// Gives the session what it missed, and opens its gate. Reads when it is its turn.
    pub(super) async fn run(mut self, means: &Means, turns: &Semaphore) {
        let mut course = Course::default();
        let mut patience = Patience::default();
        let (mut page, mut overflows) = (PAGE, 0);
        while let Ok(missed) = self.read(means, turns, page).await {
            let Some(missed) = missed else {
                // It cannot be had. What was missed stays so.
                course.has_gap |= self.after.is_some();
                self.open(means, &mut course, true).ok();
                return;
            };
            let Ok(given) = self.give(means, &missed, &mut course) else {
                return;
            };
            let is_all = matches!(given, Given::All) && !missed.has_more;
            page = match given {
                Given::All => PAGE,
                Given::Some(count) => (count * 2).clamp(1, PAGE),
            };
            drop(missed);
            let is_written = patience.until_written(&self.handle).await;
            if self.handle.is_gone() {
                return;
            }
            course.has_gap |= !is_written;
            if is_all {
                let is_last = !is_written || overflows + 1 >= TRIES;
                if self.open(means, &mut course, is_last).is_ok() {
                    return;
                }
                // What came meanwhile was more than is held back: it is read as well.
                overflows += 1;
            }
            // The rest is left out for who takes nothing: only where it ends is read.
            self.after = is_written.then_some(course.last);
        }
    }

    /// What was missed; `None`, if it cannot be had. Waits for the bus for as long as the session is subscribed: nothing
    /// comes live meanwhile either.
    async fn read(
        &self,
        means: &Means,
        turns: &Semaphore,
        page: usize,
    ) -> Result<Option<Missed>, Over> {
        let mut status = means.bus.status();
        let mut failures = 0;
        while !self.is_over(means) {
            let read = {
                // It is never closed.
                let _turn = turns.acquire().await.map_err(|_closed| Over)?;
                means
                    .bus
                    .since(&self.channel, self.after, page, self.keep)
                    .await
            };
            let standing = *status.borrow();
            match Reading::of(read, self.after, standing) {
                Reading::Page(missed) => {
                    // What is lost after this it will not read.
                    if !missed.has_more {
                        let (hub, last) = (&means.hub, missed.last);
                        means.chronicles.note(hub, &self.channel, last);
                    }
                    return Ok(Some(missed));
                }
                Reading::Gone => {
                    let back = status.wait_for(|status| *status == Status::Connected);
                    // Whether it is back or not: looked at anew, and whether the session is still there.
                    timeout(RETRY, back).await.ok();
                }
                Reading::Failed(error) => {
                    failures += 1;
                    if failures >= TRIES {
                        tracing::debug!(channel = %self.channel, %error, "what a session missed could not be read");
                        return Ok(None);
                    }
                    sleep(RETRY).await;
                }
            }
        }
        Err(Over)
    }

    /// Whether nobody waits for it any more.
    fn is_over(&self, means: &Means) -> bool {
        let id = self.handle.info().id;
        let shard = means.hub.shard(self.worker);
        let is_shut =
            shard.is_some_and(|it| it.book().gates().is_shut(id, &self.channel, self.gate));
        self.handle.is_gone() || !is_shut
    }

    /// Gives it of a page what it has room for.
    fn give(&self, means: &Means, missed: &Missed, course: &mut Course) -> Result<Given, Over> {
        course.has_gap |= missed.has_gap;
        let (queue, id) = (means.hub.queue(), self.handle.info().id);
        for (nth, message) in missed.messages.iter().enumerate() {
            let late = of_session(means, &self.channel, message, &mut course.known);
            if let Some(late) = late.filter(|late| late.exclude != Some(id)) {
                match self.handle.deliver_if_room(&late.message, queue) {
                    Some(Delivery::Queued) => course.recovered += 1,
                    Some(Delivery::Dropped | Delivery::Closing) => return Err(Over),
                    None => return Ok(Given::Some(nth)),
                }
            }
            course.last = message.0;
        }
        course.last = missed.last;
        Ok(Given::All)
    }

    /// The marker, and what was held back; from then on it gets what comes as everyone does. If that is not all that came,
    /// nothing happens, unless this is the last attempt: then it is missed.
    fn open(&self, means: &Means, course: &mut Course, is_last: bool) -> Result<(), Overflow> {
        let Some(shard) = means.hub.shard(self.worker) else {
            return Ok(());
        };
        let (id, now) = (self.handle.info().id, switchyard_relay::now());
        // Under the lock of the desk, so that nothing goes by meanwhile.
        let mut book = shard.book();
        let mut open = || {
            book.gates()
                .open(id, &self.channel, self.gate, course.last, now)
        };
        let mut opened = open();
        if is_last && matches!(opened, Some(Err(Overflow))) {
            course.has_gap = true;
            opened = open();
        }
        let Some(opened) = opened else {
            return Ok(());
        };
        let held = opened?;
        let text = marker(&self.channel, course.recovered, course.has_gap, course.last);
        let marker = Arc::new(Message::text(&text, now));
        // Whoever is not told what is missing would take it for nothing; and of what was held back there is no more than one
        // queue holds.
        let always = Queue {
            messages: usize::MAX,
            bytes: usize::MAX,
            ..means.hub.queue()
        };
        self.handle.deliver(&marker, always);
        for message in held {
            self.handle.deliver(&message, always);
        }
        Ok(())
    }
}
