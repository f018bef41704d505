//! The short way: over whole messages of one frame each.
//!
//! Nearly all frames are such: FIN, Text or Binary, masked as their sender has to, short enough for
//! a length of two bytes, and with their last byte in the same input as their first. Where the
//! stream is between two messages, such a frame leaves it between two messages. So there is no state
//! to keep, and what the header and [`Rules::check`] ask of it are a few comparisons with what is
//! the same for the whole input.
//!
//! Anything else ends the skim and is left for the general way, a frame at a time
//! ([`Scanner::step`](super::Scanner)). Nothing is refused here: what is wrong is no such frame. So all that
//! the two have to agree on is what passes here. A stream that comes in single bytes goes the general
//! way alone, by which tests compare them.

use super::{MessageKind, Observer, Rules};
use crate::Side;
use crate::frame::{FIN, LENGTH_IN_2, MASKED, OpCode, RSV1};
use crate::handshake::Deflate;

const TEXT: u8 = FIN | OpCode::Text as u8;
const BINARY: u8 = FIN | OpCode::Binary as u8;

/// Goes over the whole messages at the start of `input`, which is between two messages, and returns how many bytes
/// they are.
#[allow(clippy::inline_always, reason = "as `Scanner::skim`")]
#[inline(always)]
pub(super) fn skim(rules: &Rules, input: &[u8], observer: &mut impl Observer) -> usize {
    let form = Form::of(rules);
    let mut rest = input;
    while let Some((kind, len, after)) = form.split(rest) {
        observer.whole(rules.from, kind, len);
        rest = after;
    }
    input.len() - rest.len()
}

/// What such a frame looks like under some rules.
struct Form {
    /// The bits of the first byte that are given: all but RSV1 where messages may be compressed.
    given: u8,
    /// The mask bit of the second byte.
    masked: u8,
    /// The bytes of its header, without a longer length: a masking key has four.
    header: usize,
    /// The longest payload.
    limit: u64,
}

impl Form {
    #[inline]
    fn of(rules: &Rules) -> Self {
        let (masked, header) = match rules.from {
            Side::Downstream => (MASKED, 2 + 4),
            Side::Upstream => (0, 2),
        };
        Self {
            given: match rules.deflate {
                Deflate::On => !(RSV1 << 4),
                Deflate::Off => !0,
            },
            masked,
            header,
            limit: rules.max_frame.min(rules.max_message),
        }
    }

    /// Splits such a frame off: what it is, its payload's length, and what comes after it.
    #[inline]
    fn split<'a>(&self, input: &'a [u8]) -> Option<(MessageKind, u64, &'a [u8])> {
        let [first, second, ..] = input else {
            return None;
        };
        let kind = match first & self.given {
            TEXT => MessageKind::Text,
            BINARY => MessageKind::Binary,
            _ => return None,
        };
        // A wrong mask bit makes it longer than any.
        let short = second ^ self.masked;
        let (header, len) = match short {
            ..LENGTH_IN_2 => (self.header, u16::from(short)),
            LENGTH_IN_2 => {
                let [_, _, high, low, ..] = input else {
                    return None;
                };
                (self.header + 2, u16::from_be_bytes([*high, *low]))
            }
            _ => return None,
        };
        let is_minimal = short < LENGTH_IN_2 || len >= u16::from(LENGTH_IN_2);
        if !is_minimal || u64::from(len) > self.limit {
            return None;
        }
        let after = input.get(header + usize::from(len)..)?;
        Some((kind, len.into(), after))
    }
}
