//! A control frame as one piece of bytes: the gateway's own, or a peer's that came in parts.
//!
//! Not a parser: the scanner decides what is put here.

use std::ops::Deref;

use super::{Header, OpCode};
use crate::close::{Close, MAX_PAYLOAD};
use crate::inline::Inline;
use crate::mask::{self, MaskKey};

/// The longest control frame: a header of six bytes and a payload of 125.
const MAX_FRAME: usize = 6 + MAX_PAYLOAD;

/// The payload of a Ping of the gateway's own.
pub type PingPayload = [u8; 8];

/// Up to 131 bytes: a control frame or the beginning of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlFrame(Inline<MAX_FRAME>);

impl ControlFrame {
    /// A Close frame, masked with `mask` if it goes upstream.
    pub fn close(close: &Close, mask: Option<MaskKey>) -> Self {
        Self::build(OpCode::Close, close.encode(&mut [0; MAX_PAYLOAD]), mask)
    }

    /// A Ping frame, masked with `mask` if it goes upstream.
    pub fn ping(payload: PingPayload, mask: Option<MaskKey>) -> Self {
        Self::build(OpCode::Ping, &payload, mask)
    }

    /// A frame of a server's with this payload, which is at most 125 bytes.
    pub(crate) fn bare(opcode: OpCode, payload: &[u8]) -> Self {
        Self::build(opcode, payload, None)
    }

    /// `payload` is at most 125 bytes.
    fn build(opcode: OpCode, payload: &[u8], mask: Option<MaskKey>) -> Self {
        let header = Header {
            fin: true,
            rsv: 0,
            opcode,
            mask,
            payload_len: payload.len() as u64,
        };
        let mut frame = Self::default();
        let header_len = frame.push(&header.encode());
        frame.push(payload);
        if let (Some(key), Some(payload)) = (mask, frame.0.get_mut(header_len..)) {
            mask::apply(payload, key);
        }
        frame
    }

    /// Appends as much of `bytes` as fits and returns how much that was.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        self.0.push(bytes)
    }

    /// Keeps the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl Deref for ControlFrame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::CloseCode;

    #[test]
    fn a_close_for_downstream_is_bare() {
        let close = Close::new(CloseCode::SERVICE_RESTART, "bye").unwrap();
        assert_eq!(&*ControlFrame::close(&close, None), b"\x88\x05\x03\xf4bye");
    }

    #[test]
    fn a_close_for_upstream_is_masked() {
        let close = Close::from(CloseCode::NORMAL);
        let frame = ControlFrame::close(&close, Some([1, 2, 3, 4]));
        assert_eq!(&*frame, [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2]);
    }

    #[test]
    fn a_ping_is_no_longer_than_a_header_may_be() {
        let bare = ControlFrame::ping(*b"payload!", None);
        assert_eq!(&*bare, b"\x89\x08payload!");
        let masked = ControlFrame::ping([0; 8], Some([1, 2, 3, 4]));
        assert_eq!(*masked, [0x89, 0x88, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
        assert_eq!(masked.len(), super::super::MAX_HEADER);
    }

    #[test]
    fn the_longest_close_fits() {
        let close = Close::new(CloseCode::NORMAL, &"x".repeat(123)).unwrap();
        assert_eq!(ControlFrame::close(&close, Some([0; 4])).len(), MAX_FRAME);
        assert_eq!(ControlFrame::close(&Close::empty(), None).len(), 2);
    }
}
