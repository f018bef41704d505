//! Frames as a test writes and reads them: right ones easily, wrong ones too.
//!
//! A codec of its own, so that a mistake in the gateway's is seen and not shared.

use std::fmt;

/// Opcodes of RFC 6455, section 5.2.
pub mod opcode {
    /// The next piece of a message.
    pub const CONTINUATION: u8 = 0x0;
    /// A text message, or its first piece.
    pub const TEXT: u8 = 0x1;
    /// A binary message, or its first piece.
    pub const BINARY: u8 = 0x2;
    /// Close.
    pub const CLOSE: u8 = 0x8;
    /// Ping.
    pub const PING: u8 = 0x9;
    /// Pong.
    pub const PONG: u8 = 0xA;
}

/// How many bytes the payload length takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As few as possible, as RFC 6455 demands.
    Minimal,
    /// Two, however small the payload.
    Sixteen,
    /// Eight, however small the payload.
    SixtyFour,
}

/// One frame, with its payload in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether it ends its message.
    pub fin: bool,
    /// RSV1 to RSV3, as the three low bits.
    pub reserved: u8,
    /// The opcode, four bits.
    pub opcode: u8,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A final frame without reserved bits.
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            reserved: 0,
            opcode,
            payload: payload.into(),
        }
    }

    /// A text message of one frame.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(opcode::TEXT, text.into())
    }

    /// A binary message of one frame.
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(opcode::BINARY, bytes)
    }

    /// The next and last piece of a message.
    pub fn continuation(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(opcode::CONTINUATION, bytes)
    }

    /// A Ping.
    pub fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(opcode::PING, payload)
    }

    /// A Pong.
    pub fn pong(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(opcode::PONG, payload)
    }

    /// A Close with a code and a reason.
    pub fn close(code: u16, reason: &str) -> Self {
        Self::new(
            opcode::CLOSE,
            [&code.to_be_bytes(), reason.as_bytes()].concat(),
        )
    }

    /// The same, with more of its message to come.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// The same, with these reserved bits (RSV1 is `0b100`).
    #[must_use]
    pub fn with_reserved(mut self, bits: u8) -> Self {
        self.reserved = bits;
        self
    }

    /// The code and the reason of a Close.
    #[track_caller]
    pub fn closing(&self) -> (u16, &str) {
        assert_eq!(self.opcode, opcode::CLOSE, "not a Close: {self:?}");
        let (code, reason) = self
            .payload
            .split_at_checked(2)
            .expect("a Close with a code");
        let reason = std::str::from_utf8(reason).expect("a reason is UTF-8");
        (u16::from_be_bytes([code[0], code[1]]), reason)
    }

    /// The bytes of the frame, masked with `mask` if there is one.
    pub fn encode(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        self.encode_as(mask, Length::Minimal)
    }

    /// The same, with a length of the given width.
    pub fn encode_as(&self, mask: Option<[u8; 4]>, length: Length) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + 14);
        bytes.push(u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode);
        put_length(
            &mut bytes,
            u8::from(mask.is_some()) << 7,
            self.payload.len(),
            length,
        );
        if let Some(key) = mask {
            bytes.extend(key);
        }
        let start = bytes.len();
        bytes.extend(&self.payload);
        apply_mask(&mut bytes[start..], mask.unwrap_or_default());
        bytes
    }
}

fn put_length(bytes: &mut Vec<u8>, mask_bit: u8, len: usize, length: Length) {
    let small = u16::try_from(len);
    match (length, small) {
        (Length::Minimal, Ok(n @ 0..126)) => bytes.push(mask_bit | n.to_be_bytes()[1]),
        (Length::Minimal | Length::Sixteen, Ok(n)) => {
            bytes.push(mask_bit | 0x7E);
            bytes.extend(n.to_be_bytes());
        }
        _ => {
            bytes.push(mask_bit | 0x7F);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
}

/// Masks or unmasks in place.
pub fn apply_mask(bytes: &mut [u8], key: [u8; 4]) {
    for (byte, key) in bytes.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.payload[..self.payload.len().min(64)];
        write!(
            out,
            "Frame {{ fin: {}, reserved: {:03b}, opcode: {:#x}, {} bytes: {:?} }}",
            self.fin,
            self.reserved,
            self.opcode,
            self.payload.len(),
            String::from_utf8_lossy(shown)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6455, section 5.7.
    #[test]
    fn writes_the_examples_of_the_rfc() {
        let hello = Frame::text("Hello");
        assert_eq!(hello.encode(None), b"\x81\x05Hello");
        let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        assert_eq!(hello.encode(Some([0x37, 0xfa, 0x21, 0x3d])), masked);
        assert_eq!(
            Frame::binary([7; 256]).encode(None)[..4],
            [0x82, 0x7E, 0x01, 0x00]
        );
        let long = Frame::binary(vec![7; 65_536]).encode(None);
        assert_eq!(long[..10], [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn writes_a_length_that_is_not_minimal() {
        let frame = Frame::text("x");
        assert_eq!(frame.encode_as(None, Length::Sixteen), b"\x81\x7e\x00\x01x");
        assert_eq!(
            frame.encode_as(None, Length::SixtyFour),
            b"\x81\x7f\0\0\0\0\0\0\0\x01x"
        );
    }
}
