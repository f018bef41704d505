//! What a relay keeps of one side besides the connection: what it has not taken, and how far the
//! stream to it has come.

use crate::leg::Waking;
use crate::pending::Pending;

/// The stream to one side of a session.
pub(super) struct Line {
    pub(super) pending: Option<Box<Pending>>,
    pub(super) outlet: Outlet,
    pub(super) messages: Messages,
    /// Of what the side sends.
    pub(super) waking: Waking,
}

/// Messages of the gateway's own that wait in the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Messages {
    /// There are none.
    None,
    /// They go at the next message boundary.
    Due,
    /// They had their turn when no more could be done, and have another when it can.
    Deferred,
}

/// The stream to a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlet {
    /// It takes bytes.
    Open,
    /// It took all bytes, but has to be asked again before they are on the wire.
    Flushing,
    /// It is to be ended once it has taken what is pending.
    Ending,
    /// It is ended.
    Ended,
    /// Writing failed. What can still be read from the side is read first.
    Failed,
    /// The session machine knows that the side is gone.
    Lost,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            pending: None,
            outlet: Outlet::Open,
            messages: Messages::None,
            waking: Waking::Unasked,
        }
    }

    /// How many bytes the side has not taken.
    pub(super) fn kept(&self) -> usize {
        self.pending.as_ref().map_or(0, |pending| pending.len())
    }

    /// Whether everything that was written to the side is on the wire.
    pub(super) fn is_clear(&self) -> bool {
        self.pending.is_none() && self.outlet != Outlet::Flushing
    }

    /// Whether there is nothing to do for the stream to the side: it takes bytes, and none of any kind wait.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.pending.is_none() && self.outlet == Outlet::Open && self.messages == Messages::None
    }

    /// Whether the stream to the side is to be ended now.
    pub(super) fn is_ending(&self) -> bool {
        self.outlet == Outlet::Ending && self.pending.is_none()
    }

    /// Whether the stream to the side still takes bytes.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.outlet, Outlet::Open | Outlet::Flushing)
    }
}
