//! What a session is left to find when its task runs next, and whom to wake for it.
//!
//! It holds one pointer while there is nothing in it.

use std::sync::Arc;
use std::task::Waker;

use switchyard_proto::session::Cause;
use switchyard_proto::{Close, CloseCode};
use tokio::sync::oneshot;

use crate::backlog::{Backlog, Delivery, Loan, OnFull, Queue};
use crate::figures::Figures;
use crate::freeze::Freeze;
use crate::message::Message;
use crate::sweep::Report;
use crate::terms::Terms;

/// What a session can be told to do.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Ask both peers to go.
    Close(Cause, Close),
    /// End at once.
    Cut(Cause),
    /// Hold still, so that another process can go on.
    Freeze(Freeze),
}

impl Command {
    /// Why the session is to go, if it is.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Close(cause, _) | Self::Cut(cause) => Some(*cause),
            Self::Freeze(_) => None,
        }
    }

    /// Whether `next` takes the place of it.
    fn gives_way_to(&self, next: &Self) -> bool {
        match self {
            Self::Freeze(_) => !matches!(next, Self::Freeze(_)),
            Self::Close(..) | Self::Cut(_) => matches!(next, Self::Cut(_)),
        }
    }
}

/// What was in a mailbox.
#[derive(Default)]
pub(crate) struct Post {
    pub(crate) command: Option<Command>,
    /// What it is to go by from now on.
    pub(crate) terms: Option<Terms>,
    /// Who wants to know how the session stands.
    pub(crate) questions: Vec<oneshot::Sender<Figures>>,
    /// What the session is to do with how it stands.
    pub(crate) report: Option<Report>,
    /// Messages that were dropped, and are not counted.
    pub(crate) dropped: u64,
    /// Whether messages wait.
    pub(crate) has_messages: bool,
}

impl Post {
    fn is_empty(&self) -> bool {
        let Self {
            command,
            terms,
            questions,
            report,
            // Of the backlog.
            dropped: _,
            has_messages: _,
        } = self;
        command.is_none() && terms.is_none() && questions.is_empty() && report.is_none()
    }
}

/// A session's mailbox.
#[derive(Default)]
pub(crate) struct Mailbox {
    pub(crate) waker: Option<Waker>,
    content: Option<Box<Content>>,
    /// Why it was last told to go, if it ever was.
    told: Option<Cause>,
    /// Its end has begun: it takes no messages any more.
    is_closing: bool,
}

/// What is in a mailbox.
#[derive(Default)]
struct Content {
    post: Post,
    /// Messages stay here until they are written.
    backlog: Backlog,
}

impl Mailbox {
    /// Leaves a command. A cut takes the place of a Close, and either that of a freeze; else the first counts.
    pub(crate) fn leave(&mut self, command: Command) {
        if self.told.is_none() || matches!(command, Command::Cut(_)) {
            self.told = command.cause().or(self.told);
        }
        let waiting = &mut self.content.get_or_insert_default().post.command;
        if waiting.as_ref().is_none_or(|it| it.gives_way_to(&command)) {
            *waiting = Some(command);
        }
    }

    /// Leaves other terms; the last count.
    pub(crate) fn adopt(&mut self, terms: Terms) {
        self.content.get_or_insert_default().post.terms = Some(terms);
    }

    /// Leaves a question. Those that nobody waits for any more are thrown away.
    pub(crate) fn ask(&mut self) -> oneshot::Receiver<Figures> {
        let (answer, answered) = oneshot::channel();
        let questions = &mut self.content.get_or_insert_default().post.questions;
        questions.retain(|question| !question.is_closed());
        questions.push(answer);
        answered
    }

    /// Has the session report; the last to ask counts.
    pub(crate) fn have_reported(&mut self, report: Report) {
        self.content.get_or_insert_default().post.report = Some(report);
    }

    /// Whether a message would wait without another being dropped, or is not taken at all.
    pub(crate) fn has_room(&self, message: &Message, queue: Queue) -> bool {
        let content = self.content.as_ref();
        self.is_closing || content.is_none_or(|it| it.backlog.has_room(message, queue))
    }

    /// Whether all messages are written.
    pub(crate) fn is_written(&self) -> bool {
        let content = self.content.as_ref();
        content.is_none_or(|it| it.backlog.is_written())
    }

    pub(crate) fn told(&self) -> Option<Cause> {
        self.told
    }

    /// Takes what is in it, but for messages.
    pub(crate) fn take(&mut self) -> Post {
        let Some(content) = &mut self.content else {
            return Post::default();
        };
        let mut post = std::mem::take(&mut content.post);
        post.dropped = content.backlog.take_dropped();
        post.has_messages = !content.backlog.is_empty();
        self.tidy();
        post
    }

    /// Adds a message for the client. Also says whether the session is to be woken for it: it knows where others wait, and
    /// where others were dropped.
    pub(crate) fn deliver(&mut self, message: &Arc<Message>, queue: Queue) -> (Delivery, bool) {
        if self.is_closing || self.told.is_some() {
            return (Delivery::Closing, false);
        }
        let backlog = &mut self.content.get_or_insert_default().backlog;
        let (is_first, has_dropped) = (backlog.is_empty(), backlog.has_dropped());
        match (backlog.offer(message, queue), queue.on_full) {
            (Delivery::Dropped, OnFull::Close) => {
                let close = Close::from(CloseCode::TRY_AGAIN);
                self.leave(Command::Close(Cause::SlowReceiver, close));
                (Delivery::Dropped, true)
            }
            (delivery, _) => {
                let is_first_drop = backlog.has_dropped() && !has_dropped;
                (delivery, is_first || is_first_drop)
            }
        }
    }

    /// Whether messages wait.
    pub(crate) fn has_messages(&self) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| !content.backlog.is_empty())
    }

    /// See [`Backlog::lend`].
    pub(crate) fn lend(&mut self, most: usize) -> Option<Loan> {
        self.content.as_mut()?.backlog.lend(most)
    }

    /// See [`Backlog::settle`]. Returns how many messages were dropped since the last time, and whether more wait.
    pub(crate) fn settle(&mut self, unwritten: &[Arc<Message>]) -> (u64, bool) {
        let Some(content) = &mut self.content else {
            return (0, false);
        };
        content.backlog.settle(unwritten);
        let left = (content.backlog.take_dropped(), !content.backlog.is_empty());
        self.tidy();
        left
    }

    /// Takes no messages from now on, and throws away those that wait: how many were dropped before, and how many now.
    pub(crate) fn refuse(&mut self) -> (u64, u64) {
        self.is_closing = true;
        let Some(content) = &mut self.content else {
            return (0, 0);
        };
        let mut backlog = std::mem::take(&mut content.backlog);
        self.tidy();
        (backlog.take_dropped(), backlog.len() as u64)
    }

    /// Keeps nothing of an empty mailbox.
    fn tidy(&mut self) {
        let content = self.content.as_ref();
        if content.is_some_and(|content| content.post.is_empty() && content.backlog.is_idle()) {
            self.content = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small() {
        assert!(size_of::<Mailbox>() <= 32, "{}", size_of::<Mailbox>());
    }

    #[test]
    fn questions_that_nobody_waits_for_do_not_pile_up() {
        let mut mailbox = Mailbox::default();
        for _ in 0..100 {
            drop(mailbox.ask());
        }
        let last = mailbox.ask();
        let post = mailbox.take();
        assert_eq!(post.questions.len(), 1);
        drop((post, last));
        assert!(mailbox.take().is_empty());
    }
}
