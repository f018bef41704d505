//! What came from one peer, in total.

use crate::Side;
use crate::frame::OpCode;
use crate::scanner::{MessageKind, Observer, Scanner};

/// Totals of what one peer sent, for the access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// All bytes after the handshake: headers, control frames and what was dropped included.
    pub bytes: u64,
    /// Whole messages that were passed on.
    pub messages: u64,
    /// The longest of them, in payload bytes on the wire.
    pub largest_message: u64,
}

/// Whether a scan saw anything of a data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Seen,
    Unseen,
}

impl Data {
    /// What `bytes` begin with.
    #[inline]
    pub(super) fn of(scanner: &Scanner, bytes: &[u8]) -> Self {
        if scanner.at_frame_boundary() || bytes.is_empty() {
            Self::Unseen
        } else {
            Self::Seen
        }
    }
}

/// Counts, and lets the caller's observer see the same.
pub(super) struct Tally<'a, O> {
    traffic: &'a mut Traffic,
    pub(super) data: Data,
    next: &'a mut O,
}

impl<O: Observer> Observer for Tally<'_, O> {
    #[inline]
    fn frame(&mut self, from: Side, opcode: OpCode, payload_len: u64) {
        if !opcode.is_control() {
            self.data = Data::Seen;
        }
        self.next.frame(from, opcode, payload_len);
    }

    #[inline]
    fn message(&mut self, from: Side, kind: MessageKind, len: u64) {
        self.count_message(len);
        self.next.message(from, kind, len);
    }
    #[inline]
    fn whole(&mut self, from: Side, kind: MessageKind, len: u64) {
        self.data = Data::Seen;
        self.count_message(len);
        self.next.whole(from, kind, len);
    }
}

impl<'a, O> Tally<'a, O> {
    #[inline]
    pub(super) fn new(traffic: &'a mut Traffic, data: Data, next: &'a mut O) -> Self {
        Self {
            traffic,
            data,
            next,
        }
    }

    #[inline]
    fn count_message(&mut self, len: u64) {
        self.traffic.messages += 1;
        self.traffic.largest_message = self.traffic.largest_message.max(len);
    }
}
