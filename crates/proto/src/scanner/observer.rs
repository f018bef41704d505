//! What the outside may see of a stream: counts, never payload.

use std::time::Duration;

use crate::Side;
use crate::frame::OpCode;

/// What a message is (RFC 6455 section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 text, unless it is compressed.
    Text,
    /// Any bytes.
    Binary,
}

impl MessageKind {
    /// The opcode of its first frame.
    #[inline]
    pub const fn opcode(self) -> OpCode {
        match self {
            Self::Text => OpCode::Text,
            Self::Binary => OpCode::Binary,
        }
    }
}

/// Told of every frame and message that is passed on. Called for each frame: it must be cheap.
///
/// What is dropped (after a Close, or when the other side is gone) is not told; nor are the
/// gateway's own frames.
pub trait Observer {
    /// A frame was admitted: its header, not yet its payload (of a control frame: all of it).
    fn frame(&mut self, from: Side, opcode: OpCode, payload_len: u64);

    /// The last byte of a message passed; `len` is its payload on the wire in bytes, compressed
    /// if the peer compressed it.
    fn message(&mut self, from: Side, kind: MessageKind, len: u64);

    /// A whole message of one frame passed: both of the above at once, as it stands for nearly all
    /// of them.
    #[inline]
    fn whole(&mut self, from: Side, kind: MessageKind, len: u64) {
        self.frame(from, kind.opcode(), len);
        self.message(from, kind, len);
    }

    /// A side answered a Ping of the gateway's own, so long after it was sent. The Pong is not told
    /// as a frame.
    fn answered(&mut self, _from: Side, _rtt: Duration) {}
}

/// Sees nothing.
impl Observer for () {
    fn frame(&mut self, _: Side, _: OpCode, _: u64) {}

    fn message(&mut self, _: Side, _: MessageKind, _: u64) {}
}
