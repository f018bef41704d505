//! What is known of a session from outside, and the way to reach it from any thread.
//!
//! A session is told something by putting it into its mailbox and ringing: it looks when its task
//! runs next. While nothing rings, a session pays one load a poll for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use switchyard_proto::Close;
use switchyard_proto::session::Cause;
use tokio::time::timeout;

use crate::backlog::{Delivery, Loan, Queue};
use crate::figures::Figures;
use crate::freeze::Freeze;
use crate::mailbox::{Command, Mailbox, Post};
use crate::message::Message;
use crate::session_info::SessionInfo;
use crate::sweep::Report;
use crate::terms::Terms;

/// A session that is open or was. Clones are the same session.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    info: SessionInfo,
    /// There may be something in the mailbox, or an alarm may have come.
    rung: AtomicBool,
    /// Its ticket was dropped.
    gone: AtomicBool,
    mailbox: Mutex<Mailbox>,
    /// When anything of a data frame was last read, in milliseconds after it opened.
    active: AtomicU64,
}

impl Handle {
    pub(crate) fn new(info: SessionInfo) -> Self {
        let shared = Shared {
            info,
            rung: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            mailbox: Mutex::default(),
            active: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// What the session is.
    pub fn info(&self) -> &SessionInfo {
        &self.shared.info
    }

    /// How long nothing of a data frame has been read from either peer.
    pub fn idle(&self, now: Instant) -> Duration {
        let active = Duration::from_millis(self.shared.active.load(Ordering::Relaxed));
        now.saturating_duration_since(self.shared.info.opened)
            .saturating_sub(active)
    }

    /// Why the session has been told to go, if it has.
    pub fn told(&self) -> Option<Cause> {
        self.shared.mailbox().told()
    }

    /// Whether it is over. In one order with everything else that is sequentially consistent: who notes something for a
    /// session and then finds that it is not over can rely on being seen by who cleans up after it.
    pub fn is_gone(&self) -> bool {
        self.shared.gone.load(Ordering::SeqCst)
    }

    /// How the session stands, as it says itself; `None` when it has gone, or when its worker gives it no
    /// time to answer `within` this.
    pub async fn figures(&self, within: Duration) -> Option<Figures> {
        let answered = {
            let mut mailbox = self.shared.mailbox();
            // Under the lock: whoever goes empties the mailbox after this.
            if self.is_gone() {
                return None;
            }
            let answered = mailbox.ask();
            self.shared.ring(&mailbox);
            answered
        };
        timeout(within, answered).await.ok()?.ok()
    }

    /// Asks both peers to go, each at its next frame boundary. Does nothing if the session has
    /// been told so before, is ending or has gone.
    pub fn close(&self, cause: Cause, close: Close) {
        self.tell(Command::Close(cause, close));
    }

    /// Ends the session at once, without a Close. Does nothing if it has gone.
    pub fn cut(&self, cause: Cause) {
        self.tell(Command::Cut(cause));
    }

    /// Has the session go by other terms. Does nothing if it is ending or has gone.
    pub fn adopt(&self, terms: Terms) {
        let mut mailbox = self.shared.mailbox();
        mailbox.adopt(terms);
        self.shared.ring(&mailbox);
    }

    /// Asks it to hold still, so that another process can go on with it. Does nothing if it has been told
    /// to go, or has gone.
    pub fn freeze(&self, freeze: Freeze) {
        self.tell(Command::Freeze(freeze));
    }

    /// Has the client sent a message, at the next boundary of the messages of its endpoint, after those that wait. Never
    /// waits. What the session's worker has to count, it counts.
    pub fn deliver(&self, message: &Arc<Message>, queue: Queue) -> Delivery {
        let mut mailbox = self.shared.mailbox();
        let (delivery, is_news) = mailbox.deliver(message, queue);
        if is_news {
            self.shared.ring(&mailbox);
        }
        delivery
    }

    /// The same, unless one would be dropped for want of room: then nothing happens, and nothing is counted.
    pub fn deliver_if_room(&self, message: &Arc<Message>, queue: Queue) -> Option<Delivery> {
        let mut mailbox = self.shared.mailbox();
        if !mailbox.has_room(message, queue) {
            return None;
        }
        let (delivery, is_news) = mailbox.deliver(message, queue);
        if is_news {
            self.shared.ring(&mailbox);
        }
        Some(delivery)
    }

    /// Whether all messages that were to be delivered are written, or given up.
    pub fn is_written(&self) -> bool {
        self.shared.mailbox().is_written()
    }

    /// Leaves a command and wakes the session. A cut takes the place of a Close, and either that of a
    /// freeze.
    pub(crate) fn tell(&self, command: Command) {
        let mut mailbox = self.shared.mailbox();
        mailbox.leave(command);
        self.shared.ring(&mailbox);
    }

    /// Has the session report its figures when its task runs next. It does not if it goes before that, or
    /// is asked by another.
    pub fn ask(&self, report: Report) {
        let mut mailbox = self.shared.mailbox();
        mailbox.have_reported(report);
        self.shared.ring(&mailbox);
    }

    /// Wakes the session to look at its deadline.
    pub(crate) fn ring(&self) {
        self.shared.ring(&self.shared.mailbox());
    }

    /// Notes when something of a data frame was read.
    pub(crate) fn touch(&self, at: Instant) {
        let active = at
            .saturating_duration_since(self.shared.info.opened)
            .as_millis();
        self.shared
            .active
            .store(u64::try_from(active).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether anybody rang since the last call.
    pub(crate) fn has_rung(&self) -> bool {
        let rung = &self.shared.rung;
        rung.load(Ordering::Acquire) && rung.swap(false, Ordering::AcqRel)
    }

    /// Takes what was left in the mailbox.
    pub(crate) fn take_post(&self) -> Post {
        self.shared.mailbox().take()
    }

    /// Whether messages wait to be written.
    pub(crate) fn has_messages(&self) -> bool {
        self.shared.mailbox().has_messages()
    }

    /// Takes the messages that come first, with frames of no more than `most` bytes, but one always.
    pub(crate) fn lend(&self, most: usize) -> Option<Loan> {
        self.shared.mailbox().lend(most)
    }

    /// What was lent is written, but for these. Returns how many messages were dropped since the last time, and whether
    /// more wait.
    pub(crate) fn settle(&self, unwritten: &[Arc<Message>]) -> (u64, bool) {
        self.shared.mailbox().settle(unwritten)
    }

    /// Takes no messages from now on: how many were dropped and are not counted yet, and how many waited.
    pub(crate) fn refuse(&self) -> (u64, u64) {
        self.shared.mailbox().refuse()
    }

    /// The session is over: nobody is woken, and nobody who asked has to wait.
    pub(crate) fn leave(&self) {
        self.shared.gone.store(true, Ordering::SeqCst);
        self.listen(None);
        // Who was a relay's has refused before.
        self.refuse();
        drop(self.take_post());
    }

    /// Has `waker` woken by whoever rings from now on. Look at [`has_rung`](Self::has_rung) after
    /// this: who rang before it woke nobody.
    pub(crate) fn listen(&self, waker: Option<Waker>) {
        let before = std::mem::replace(&mut self.shared.mailbox().waker, waker);
        // Out of the lock: it may be the last of its task.
        drop(before);
    }
}

impl Shared {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, mailbox: &Mailbox) {
        self.rung.store(true, Ordering::Release);
        if let Some(waker) = &mailbox.waker {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::error::TryRecvError;

    use super::*;
    use crate::testing::info;

    fn close() -> Command {
        Command::Close(Cause::Admin, Close::empty())
    }

    /// An `Arc` adds 16 bytes: 192 in all, which is a size that the allocator has.
    #[test]
    fn what_is_known_of_a_session_is_small() {
        assert!(size_of::<Shared>() <= 176, "{}", size_of::<Shared>());
    }

    #[test]
    fn a_cut_takes_the_place_of_a_close_and_not_the_other_way() {
        let handle = Handle::new(info());
        handle.tell(close());
        handle.cut(Cause::Shutdown);
        handle.tell(close());
        assert_eq!(handle.told(), Some(Cause::Shutdown));
        let command = handle.take_post().command;
        assert!(matches!(command, Some(Command::Cut(Cause::Shutdown))));
        assert!(handle.take_post().command.is_none());
    }

    #[test]
    fn the_first_close_counts() {
        let handle = Handle::new(info());
        handle.close(Cause::Drain, Close::empty());
        handle.tell(close());
        assert_eq!(handle.told(), Some(Cause::Drain));
        let command = handle.take_post().command;
        assert!(matches!(command, Some(Command::Close(Cause::Drain, _))));
    }

    #[test]
    fn a_freeze_gives_way_and_is_no_order_to_go() {
        let handle = Handle::new(info());
        let (freeze, mut parcels) = Freeze::collecting(1);
        handle.freeze(freeze);
        assert!(handle.told().is_none());
        handle.tell(close());
        assert_eq!(parcels.try_recv().unwrap_err(), TryRecvError::Disconnected);
        let (freeze, _parcels) = Freeze::collecting(1);
        handle.freeze(freeze);
        let post = handle.take_post();
        assert!(matches!(
            post.command,
            Some(Command::Close(Cause::Admin, _))
        ));
        assert!(handle.told().is_some());
    }

    #[test]
    fn a_ring_is_heard_once() {
        let handle = Handle::new(info());
        assert!(!handle.has_rung());
        handle.ring();
        handle.ring();
        assert!(handle.has_rung());
        assert!(!handle.has_rung());
    }

    #[test]
    fn idle_time_is_counted_from_the_last_touch() {
        let handle = Handle::new(info());
        let opened = handle.info().opened;
        let after = |seconds| opened + Duration::from_secs(seconds);
        assert_eq!(handle.idle(after(5)), Duration::from_secs(5));
        handle.touch(after(7));
        assert_eq!(handle.idle(after(9)), Duration::from_secs(2));
        assert_eq!(handle.idle(after(6)), Duration::ZERO);
    }
}
