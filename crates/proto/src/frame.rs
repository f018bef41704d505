//! The frame header of RFC 6455 section 5.2: reading it from whatever has arrived, and writing it.
//!
//! What one header says on its own is checked here. What it may say at this point of a stream
//! (mask, reserved bits, fragmentation, limits) is the scanner's.

mod control;
mod owned;

pub use control::{ControlFrame, PingPayload};
pub use owned::Owned;

use crate::inline::Inline;
use crate::mask::MaskKey;
use crate::violation::Violation;

/// The longest header: two bytes, eight of length, four of mask.
pub const MAX_HEADER: usize = 14;

/// RSV1 within [`Header::rsv`]: the message is compressed (RFC 7692 section 6).
pub const RSV1: u8 = 0b100;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const MASKED: u8 = 0x80;
pub(crate) const LENGTH_IN_2: u8 = 126;
const LENGTH_IN_8: u8 = 127;

/// An encoded header.
pub type HeaderBytes = Inline<MAX_HEADER>;

/// What a frame is (RFC 6455 section 5.2 and 11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpCode {
    /// The next part of a fragmented message.
    Continuation = 0x0,
    /// A text message or its first part.
    Text = 0x1,
    /// A binary message or its first part.
    Binary = 0x2,
    /// The last frame of its sender.
    Close = 0x8,
    /// Asks for a Pong.
    Ping = 0x9,
    /// Answers a Ping, or none.
    Pong = 0xa,
}

impl OpCode {
    /// The opcode of the low four bits of `byte`, if it is one the RFC defines.
    #[inline]
    pub const fn from_bits(byte: u8) -> Option<Self> {
        Some(match byte & 0x0f {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// Whether this is a control frame (section 5.5), which may stand inside a message.
    #[inline]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The three reserved bits, [`RSV1`] the highest: 0 to 7.
    pub rsv: u8,
    /// What the frame is.
    pub opcode: OpCode,
    /// The masking key, if the payload is masked.
    pub mask: Option<MaskKey>,
    /// Payload bytes that follow: less than 2^63.
    pub payload_len: u64,
}

/// What the bytes so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A header, and how many bytes it took.
    Header(Header, usize),
    /// At least this many more bytes are needed.
    NeedMore(usize),
}

impl Header {
    /// Reads the header at the start of `bytes`. Fails on a reserved opcode and on a length that
    /// is not in its shortest form or has more than 63 bits. Bytes cut off anywhere give either
    /// [`Decoded::NeedMore`] or the error that the whole header would give.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Decoded, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(Decoded::NeedMore(2 - bytes.len()));
        };
        let opcode = OpCode::from_bits(*first).ok_or(Violation::ReservedOpcode)?;
        let (payload_len, rest) = match decode_length(second & !MASKED, rest)? {
            Ok(decoded) => decoded,
            Err(missing) => return Ok(Decoded::NeedMore(missing)),
        };
        let (mask, rest) = if second & MASKED == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk::<4>() else {
                return Ok(Decoded::NeedMore(4 - rest.len()));
            };
            (Some(*key), rest)
        };
        let header = Self {
            fin: first & FIN != 0,
            rsv: (first >> 4) & 0b111,
            opcode,
            mask,
            payload_len,
        };
        Ok(Decoded::Header(header, bytes.len() - rest.len()))
    }

    /// Writes the header in its shortest form.
    pub fn encode(&self) -> HeaderBytes {
        let mut bytes = HeaderBytes::new();
        let fin = if self.fin { FIN } else { 0 };
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        bytes.push(&[fin | ((self.rsv & 0b111) << 4) | self.opcode as u8]);
        match (
            u8::try_from(self.payload_len),
            u16::try_from(self.payload_len),
        ) {
            (Ok(len @ ..LENGTH_IN_2), _) => {
                bytes.push(&[masked | len]);
            }
            (_, Ok(len)) => {
                bytes.push(&[masked | LENGTH_IN_2]);
                bytes.push(&len.to_be_bytes());
            }
            (_, Err(_)) => {
                bytes.push(&[masked | LENGTH_IN_8]);
                bytes.push(&self.payload_len.to_be_bytes());
            }
        }
        bytes.push(self.mask.as_ref().map_or(&[], |key| &key[..]));
        bytes
    }
}

/// The length and what follows it, or how many bytes are missing.
type Length<'a> = Result<(u64, &'a [u8]), usize>;

#[inline]
fn decode_length(code: u8, rest: &[u8]) -> Result<Length<'_>, Violation> {
    match code {
        LENGTH_IN_2 => {
            let Some((len, rest)) = rest.split_first_chunk::<2>() else {
                return Ok(Err(2 - rest.len()));
            };
            let len = u16::from_be_bytes(*len);
            if len < u16::from(LENGTH_IN_2) {
                return Err(Violation::LengthNotMinimal);
            }
            Ok(Ok((u64::from(len), rest)))
        }
        LENGTH_IN_8 => {
            let Some((len, rest)) = rest.split_first_chunk::<8>() else {
                return Ok(Err(8 - rest.len()));
            };
            match u64::from_be_bytes(*len) {
                0..=0xffff => Err(Violation::LengthNotMinimal),
                len if len >> 63 != 0 => Err(Violation::LengthTooLarge),
                len => Ok(Ok((len, rest))),
            }
        }
        len => Ok(Ok((u64::from(len), rest))),
    }
}

#[cfg(test)]
mod tests;
