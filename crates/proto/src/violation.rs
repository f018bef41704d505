//! How a peer can break the rules of a stream of frames, and what each costs it.
//!
//! Not here: breaking the rules of the handshake (`handshake`).

use std::fmt;

use crate::close::{CloseCode, CloseError};

/// A rule that a frame broke. The frame is refused before any of its bytes are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A reserved bit that no negotiated extension gives a meaning (RFC 6455 section 5.2), or
    /// RSV1 where RFC 7692 section 6 does not allow it.
    ReservedBits,
    /// An opcode that the RFC leaves for later (section 5.2).
    ReservedOpcode,
    /// A frame from downstream without a mask (section 5.1).
    Unmasked,
    /// A frame from upstream with a mask (section 5.1).
    Masked,
    /// A control frame without FIN (section 5.5).
    FragmentedControl,
    /// A control frame of more than 125 bytes (section 5.5).
    ControlTooLong,
    /// A payload length in more bytes than it needs (section 5.2).
    LengthNotMinimal,
    /// A payload length with its top bit set (section 5.2).
    LengthTooLarge,
    /// A continuation where no message is open (section 5.4).
    UnexpectedContinuation,
    /// A text or binary frame inside a fragmented message (section 5.4).
    ExpectedContinuation,
    /// A Close whose payload may not be sent (sections 5.5.1 and 7.4).
    Close(CloseError),
    /// A frame longer than the route allows.
    FrameTooBig,
    /// A message longer than the route allows, counted in payload bytes on the wire.
    MessageTooBig,
}

impl Violation {
    /// Every one, each once for whatever it holds.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = [
            Self::ReservedBits,
            Self::ReservedOpcode,
            Self::Unmasked,
            Self::Masked,
            Self::FragmentedControl,
            Self::ControlTooLong,
            Self::LengthNotMinimal,
            Self::LengthTooLarge,
            Self::UnexpectedContinuation,
            Self::ExpectedContinuation,
            Self::FrameTooBig,
            Self::MessageTooBig,
        ];
        let closes = [
            CloseError::HalfCode,
            CloseError::Code(CloseCode::NO_STATUS),
            CloseError::ReasonNotUtf8,
            CloseError::ReasonTooLong(u16::MAX),
        ];
        own.into_iter().chain(closes.map(Self::Close))
    }

    /// The violation as a metric label.
    pub fn reason(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved_bits",
            Self::ReservedOpcode => "reserved_opcode",
            Self::Unmasked => "unmasked",
            Self::Masked => "masked",
            Self::FragmentedControl => "fragmented_control",
            Self::ControlTooLong => "control_too_long",
            Self::LengthNotMinimal => "length_not_minimal",
            Self::LengthTooLarge => "length_too_large",
            Self::UnexpectedContinuation => "unexpected_continuation",
            Self::ExpectedContinuation => "expected_continuation",
            Self::Close(error) => error.reason(),
            Self::FrameTooBig => "frame_too_big",
            Self::MessageTooBig => "message_too_big",
        }
    }

    /// The code with which the session ends.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::FrameTooBig | Self::MessageTooBig => CloseCode::TOO_BIG,
            Self::Close(error) => error.close_code(),
            Self::ReservedBits
            | Self::ReservedOpcode
            | Self::Unmasked
            | Self::Masked
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::LengthNotMinimal
            | Self::LengthTooLarge
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::ReservedBits => "a reserved bit is set that was not negotiated",
            Self::ReservedOpcode => "the opcode is reserved",
            Self::Unmasked => "a frame from downstream is not masked",
            Self::Masked => "a frame from upstream is masked",
            Self::FragmentedControl => "a control frame is fragmented",
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::LengthNotMinimal => "the payload length is not in its shortest form",
            Self::LengthTooLarge => "the payload length has more than 63 bits",
            Self::UnexpectedContinuation => "a continuation continues nothing",
            Self::ExpectedContinuation => "a message starts inside another",
            Self::Close(error) => return error.fmt(f),
            Self::FrameTooBig => "a frame is longer than allowed",
            Self::MessageTooBig => "a message is longer than allowed",
        };
        f.write_str(text)
    }
}

impl std::error::Error for Violation {}
