//! What a session is left to find when its task runs next, and whom to wake for it.
//!
//! It holds one pointer while there is nothing in it.

use std::task::Waker;

use switchyard_proto::Close;
use switchyard_proto::session::Cause;
use tokio::sync::oneshot;

use crate::figures::Figures;
use crate::freeze::Freeze;
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
}

/// A session's mailbox.
#[derive(Default)]
pub(crate) struct Mailbox {
    pub(crate) waker: Option<Waker>,
    post: Option<Box<Post>>,
    /// Why it was last told to go, if it ever was.
    told: Option<Cause>,
}

impl Mailbox {
    /// Leaves a command. A cut takes the place of a Close, and either that of a freeze; else the first counts.
    pub(crate) fn leave(&mut self, command: Command) {
        if self.told.is_none() || matches!(command, Command::Cut(_)) {
            self.told = command.cause().or(self.told);
        }
        let waiting = &mut self.post.get_or_insert_default().command;
        if waiting.as_ref().is_none_or(|it| it.gives_way_to(&command)) {
            *waiting = Some(command);
        }
    }

    /// Leaves other terms; the last count.
    pub(crate) fn adopt(&mut self, terms: Terms) {
        self.post.get_or_insert_default().terms = Some(terms);
    }

    /// Leaves a question. Those that nobody waits for any more are thrown away.
    pub(crate) fn ask(&mut self) -> oneshot::Receiver<Figures> {
        let (answer, answered) = oneshot::channel();
        let questions = &mut self.post.get_or_insert_default().questions;
        questions.retain(|question| !question.is_closed());
        questions.push(answer);
        answered
    }

    /// Has the session report; the last to ask counts.
    pub(crate) fn have_reported(&mut self, report: Report) {
        self.post.get_or_insert_default().report = Some(report);
    }

    pub(crate) fn told(&self) -> Option<Cause> {
        self.told
    }

    /// Empties it.
    pub(crate) fn take(&mut self) -> Option<Box<Post>> {
        self.post.take()
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
        let post = mailbox.take().expect("a question");
        assert_eq!(post.questions.len(), 1);
        drop((post, last));
        assert!(mailbox.take().is_none());
    }
}
