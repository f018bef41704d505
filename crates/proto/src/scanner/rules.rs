//! What a frame may be at a given point of a stream.
//!
//! Not what a header may be on its own (`frame`), and not payload: only that of a Close is read.

use crate::Side;
use crate::close::{Close, CloseCode, MAX_PAYLOAD};
use crate::frame::{Header, OpCode, PingPayload, RSV1};
use crate::handshake::Deflate;
use crate::mask;
use crate::violation::Violation;

/// What is allowed in one direction.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Who sends: decides whether frames must be masked or must not be.
    pub from: Side,
    /// Whether RSV1 may mark a compressed message.
    pub deflate: Deflate,
    /// The longest data frame, in payload bytes; [`u64::MAX`] for any.
    pub max_frame: u64,
    /// The longest message, in payload bytes on the wire; [`u64::MAX`] for any.
    pub max_message: u64,
    /// What is in the Pong that answers a Ping of the gateway's own, while there is one.
    pub awaited: Option<PingPayload>,
}

/// Whether a message has begun and not ended, and how many payload bytes its frames have so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    No,
    Fragments(u64),
}

impl Rules {
    /// Checks a header against everything but what its own bytes say.
    #[inline]
    pub(super) fn check(&self, header: &Header, open: Open) -> Result<(), Violation> {
        self.check_mask(header)?;
        self.check_bits(header)?;
        if header.opcode.is_control() {
            return check_control(header);
        }
        self.check_size(header, check_order(header, open)?)
    }

    /// Whether a Pong, of which `payload` is the payload as received, is the one that is waited for.
    #[cold]
    pub(super) fn is_awaited(&self, header: &Header, payload: &[u8]) -> bool {
        self.awaited.is_some_and(|mut awaited| {
            if let Some(key) = header.mask {
                mask::apply(&mut awaited, key);
            }
            awaited == payload
        })
    }

    #[inline]
    fn check_mask(&self, header: &Header) -> Result<(), Violation> {
        match (self.from, header.mask) {
            (Side::Downstream, Some(_)) | (Side::Upstream, None) => Ok(()),
            (Side::Downstream, None) => Err(Violation::Unmasked),
            (Side::Upstream, Some(_)) => Err(Violation::Masked),
        }
    }

    /// RSV1 belongs to the first frame of a message (RFC 7692 section 6.1), the others to nobody.
    #[inline]
    fn check_bits(&self, header: &Header) -> Result<(), Violation> {
        let starts = matches!(header.opcode, OpCode::Text | OpCode::Binary);
        match (header.rsv, self.deflate) {
            (0, _) => Ok(()),
            (RSV1, Deflate::On) if starts => Ok(()),
            _ => Err(Violation::ReservedBits),
        }
    }

    #[inline]
    fn check_size(&self, header: &Header, before: u64) -> Result<(), Violation> {
        if header.payload_len > self.max_frame {
            return Err(Violation::FrameTooBig);
        }
        if before.saturating_add(header.payload_len) > self.max_message {
            return Err(Violation::MessageTooBig);
        }
        Ok(())
    }
}

/// RFC 6455 section 5.5.
fn check_control(header: &Header) -> Result<(), Violation> {
    if !header.fin {
        return Err(Violation::FragmentedControl);
    }
    if header.payload_len > MAX_PAYLOAD as u64 {
        return Err(Violation::ControlTooLong);
    }
    Ok(())
}

/// RFC 6455 section 5.4. Returns the payload bytes of the message before this frame.
#[inline]
fn check_order(header: &Header, open: Open) -> Result<u64, Violation> {
    match (header.opcode == OpCode::Continuation, open) {
        (true, Open::Fragments(before)) => Ok(before),
        (false, Open::No) => Ok(0),
        (true, Open::No) => Err(Violation::UnexpectedContinuation),
        (false, Open::Fragments(_)) => Err(Violation::ExpectedContinuation),
    }
}

/// The code in a Close frame, of which `payload` is the payload as received.
pub(super) fn check_close(header: &Header, payload: &[u8]) -> Result<CloseCode, Violation> {
    let mut buffer = [0; MAX_PAYLOAD];
    for (to, from) in buffer.iter_mut().zip(payload) {
        *to = *from;
    }
    let plain = buffer.get_mut(..payload.len()).unwrap_or_default();
    if let Some(key) = header.mask {
        mask::apply(plain, key);
    }
    let close = Close::parse(plain).map_err(Violation::Close)?;
    Ok(close.status())
}
