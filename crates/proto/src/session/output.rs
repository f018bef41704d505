//! What the machine asks its caller to do.

use std::time::Instant;

use super::Outcome;
use crate::Side;
use crate::frame::Owned;

/// One thing to do. The order in which they come is the order of the bytes on the wire.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// The next `len` bytes of the input being handled go to the other side of `from`, unchanged.
    Pass {
        /// Whose input.
        from: Side,
        /// Bytes, at least 1.
        len: usize,
    },
    /// The next `len` bytes of the input being handled are dropped: the machine keeps a copy, or
    /// they are not to go anywhere.
    Skip {
        /// Whose input.
        from: Side,
        /// Bytes, at least 1.
        len: usize,
    },
    /// Bytes that the machine owns: what it held back, or a frame of the gateway.
    Send {
        /// Who gets them.
        to: Side,
        /// The bytes.
        bytes: Owned,
    },
    /// Write the front message of the caller's queue for `to`, whole, behind what is unwritten for it, or more of them;
    /// if there are others, or it cannot be now, call [`handle_publish`](super::Session::handle_publish) again. A message that
    /// is written is to be told by [`handle_published`](super::Session::handle_published).
    Publish {
        /// Who gets it.
        to: Side,
    },
    /// End the stream to `to` (FIN) after everything before it, then call
    /// [`handle_flushed`](super::Session::handle_flushed).
    Shutdown {
        /// Whose stream.
        to: Side,
    },
    /// Nothing to do before the next event.
    Wait {
        /// When to call [`handle_timeout`](super::Session::handle_timeout) at the latest.
        until: Option<Instant>,
        /// What for.
        reason: WaitReason,
    },
    /// The session is over: drop both connections, whatever is unwritten. Every further poll says
    /// the same.
    Finished(Outcome),
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Input; there is no timer.
    Input,
    /// Input, before the session counts as idle.
    Idle,
    /// Input, before a side is pinged or given up.
    Ping,
    /// Input, before the session has lived long enough.
    Lifetime,
    /// The peers to be told, and to answer.
    Close,
    /// The peers to end their streams.
    Eof,
}

/// What is to be done with the input being handled.
#[derive(Debug)]
pub(super) enum Plan {
    Empty,
    /// Nearly all plans.
    Pass {
        from: Side,
        len: usize,
    },
    /// Comes out in the order of the fields.
    Several {
        from: Side,
        release: Option<Owned>,
        pass: usize,
        skip: usize,
    },
}

impl Plan {
    /// What was held back goes first, then `pass` bytes of the input; `skip` more are dropped.
    pub(super) fn passing(from: Side, release: Option<Owned>, pass: usize, skip: usize) -> Self {
        match (release, pass, skip) {
            (None, 0, 0) => Self::Empty,
            (None, len, 0) => Self::Pass { from, len },
            (release, pass, skip) => Self::Several {
                from,
                release,
                pass,
                skip,
            },
        }
    }

    /// Nothing goes anywhere.
    pub(super) fn dropping(from: Side, skip: usize) -> Self {
        Self::passing(from, None, 0, skip)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<Output> {
        match *self {
            Self::Empty => None,
            Self::Pass { from, len } => {
                *self = Self::Empty;
                Some(Output::Pass { from, len })
            }
            Self::Several { .. } => self.next_of_several(),
        }
    }

    #[cold]
    fn next_of_several(&mut self) -> Option<Output> {
        let Self::Several {
            from,
            release,
            pass,
            skip,
        } = std::mem::replace(self, Self::Empty)
        else {
            return None;
        };
        let (output, pass, skip) = match (release, pass, skip) {
            (Some(bytes), pass, skip) => {
                let to = from.other();
                (Output::Send { to, bytes }, pass, skip)
            }
            (None, 0, len) => (Output::Skip { from, len }, 0, 0),
            (None, len, skip) => (Output::Pass { from, len }, 0, skip),
        };
        *self = Self::passing(from, None, pass, skip);
        Some(output)
    }
}
