//! A message of the gateway's own for clients: one frame, the same bytes for every one of them.

use std::fmt;
use std::str;
use std::time::Instant;

use switchyard_proto::frame::{Header, OpCode};

/// A message as clients get it: a whole frame, not masked and not compressed, whatever a session agreed on (RFC 7692
/// section 6 lets a sender leave any message as it is). It is encoded once and shared.
pub struct Message {
    frame: Box<[u8]>,
    payload: usize,
    came: Instant,
}

impl Message {
    /// A text message that came then.
    #[must_use]
    pub fn text(text: &str, came: Instant) -> Self {
        Self::new(OpCode::Text, text.as_bytes(), came)
    }

    /// A binary message that came then.
    #[must_use]
    pub fn binary(payload: &[u8], came: Instant) -> Self {
        Self::new(OpCode::Binary, payload, came)
    }

    /// A text message if it can be one, else a binary one.
    #[must_use]
    pub fn of(payload: &[u8], came: Instant) -> Self {
        match str::from_utf8(payload) {
            Ok(text) => Self::text(text, came),
            Err(_) => Self::binary(payload, came),
        }
    }

    fn new(opcode: OpCode, payload: &[u8], came: Instant) -> Self {
        let header = Header {
            fin: true,
            rsv: 0,
            opcode,
            mask: None,
            payload_len: payload.len() as u64,
        };
        Self {
            frame: [&header.encode()[..], payload].concat().into(),
            payload: payload.len(),
            came,
        }
    }

    /// Payload bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.payload
    }

    /// Whether there is no payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payload == 0
    }

    /// When it came to this process.
    #[must_use]
    pub fn came(&self) -> Instant {
        self.came
    }

    /// What goes over the wire.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("len", &self.payload)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_frame_as_clients_get_them() {
        let now = crate::now();
        assert_eq!(Message::text("hé", now).frame(), b"\x81\x03h\xc3\xa9");
        assert_eq!(Message::binary(b"ab", now).frame(), b"\x82\x02ab");
        let long = Message::text(&"x".repeat(300), now);
        assert_eq!(long.frame()[..4], [0x81, 126, 1, 44]);
        assert_eq!((long.len(), long.frame().len()), (300, 304));
        assert!(Message::text("", now).is_empty());
    }

    #[test]
    fn what_is_no_text_is_binary() {
        let now = crate::now();
        assert_eq!(Message::of(b"ab", now).frame()[0], 0x81);
        assert_eq!(Message::of(b"\xff", now).frame()[0], 0x82);
    }
}
