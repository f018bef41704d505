//! Close codes and the payload of a Close frame (RFC 6455 sections 5.5.1 and 7.4).
//!
//! Not here: the frame around the payload (`frame`) and who sends a Close when (`session`).

use std::fmt;

/// The largest payload of a control frame, in bytes (RFC 6455 section 5.5).
pub const MAX_PAYLOAD: usize = 125;

/// The longest reason that fits behind the two bytes of the code, in bytes.
pub const MAX_REASON: usize = MAX_PAYLOAD - 2;

/// A close code: one that a peer sent, or one that stands for what no peer said
/// ([`NO_STATUS`](Self::NO_STATUS), [`ABNORMAL`](Self::ABNORMAL)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The session did what it was for.
    pub const NORMAL: Self = Self(1000);
    /// The peer leaves: a page navigates away, a server stops.
    pub const GOING_AWAY: Self = Self(1001);
    /// The other peer broke RFC 6455.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The other peer sent a kind of data that cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// A Close without a code was received. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// The connection ended without a Close. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// A message does not fit its type, such as a text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A message violates the receiver's policy.
    pub const POLICY: Self = Self(1008);
    /// A message is too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// The client expected an extension that was not negotiated.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// The server met a condition that it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts; reconnect after a random delay (IANA registry).
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server is overloaded; reconnect later (IANA registry).
    pub const TRY_AGAIN: Self = Self(1013);
    /// A gateway got an invalid response from its upstream (IANA registry).
    pub const BAD_GATEWAY: Self = Self(1014);
    /// The TLS handshake failed. Never on the wire.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// Any number as a code; [`may_be_sent`](Self::may_be_sent) tells whether it is one for the wire.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a Close frame: 1000 to 1003 and 1007 to 1014 (RFC 6455
    /// section 7.4.1 and the IANA registry), 3000 to 4999 (section 7.4.2).
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a Close frame says. A value of this type can always be sent: its code is one for the
/// wire, its reason is UTF-8 that fits, and there is no reason without a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Close {
    code: Option<CloseCode>,
    reason: Box<str>,
}

impl Close {
    /// A Close with a code and a reason of up to [`MAX_REASON`] bytes.
    pub fn new(code: CloseCode, reason: &str) -> Result<Self, CloseError> {
        if !code.may_be_sent() {
            return Err(CloseError::Code(code));
        }
        if reason.len() > MAX_REASON {
            let len = u16::try_from(reason.len()).unwrap_or(u16::MAX);
            return Err(CloseError::ReasonTooLong(len));
        }
        Ok(Self {
            code: Some(code),
            reason: reason.into(),
        })
    }

    /// A Close with no payload, which its receiver reports as [`CloseCode::NO_STATUS`].
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads the unmasked payload of a Close frame (RFC 6455 section 5.5.1).
    pub fn parse(payload: &[u8]) -> Result<Self, CloseError> {
        let (code, reason) = match payload {
            [] => return Ok(Self::empty()),
            [_] => return Err(CloseError::HalfCode),
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        };
        match std::str::from_utf8(reason) {
            Ok(reason) => Self::new(CloseCode::new(code), reason),
            Err(_) => Err(CloseError::ReasonNotUtf8),
        }
    }

    /// Writes the unmasked payload into `buffer` and returns the part written.
    pub fn encode<'b>(&self, buffer: &'b mut [u8; MAX_PAYLOAD]) -> &'b [u8] {
        let Some(code) = self.code else {
            return &[];
        };
        let bytes = code
            .get()
            .to_be_bytes()
            .into_iter()
            .chain(self.reason.bytes());
        for (to, from) in buffer.iter_mut().zip(bytes) {
            *to = from;
        }
        buffer.get(..2 + self.reason.len()).unwrap_or_default()
    }

    /// The code on the wire, if there is one.
    pub fn code(&self) -> Option<CloseCode> {
        self.code
    }

    /// The code as RFC 6455 section 7.1.5 has it: [`CloseCode::NO_STATUS`] when none was sent.
    pub fn status(&self) -> CloseCode {
        self.code.unwrap_or(CloseCode::NO_STATUS)
    }

    /// The reason, up to [`MAX_REASON`] bytes; empty when there is none.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// A Close that says only its code. A code that is not for the wire gives the empty Close, which
/// is how [`CloseCode::NO_STATUS`] is said.
impl From<CloseCode> for Close {
    fn from(code: CloseCode) -> Self {
        Self {
            code: code.may_be_sent().then_some(code),
            reason: Box::default(),
        }
    }
}

/// Why a Close is not one that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseError {
    /// The payload is a single byte: half a code.
    HalfCode,
    /// The code is reserved, unassigned or out of range.
    Code(CloseCode),
    /// The reason is not UTF-8 (section 8.1: answered with [`CloseCode::INVALID_PAYLOAD`]).
    ReasonNotUtf8,
    /// The reason has this many bytes (or more, at the most that fits), more than [`MAX_REASON`]. A
    /// session carries this error, so it is small.
    ReasonTooLong(u16),
}

impl CloseError {
    /// The error as a metric label.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Code(_) => "close_code",
            Self::HalfCode | Self::ReasonNotUtf8 | Self::ReasonTooLong(_) => "close_payload",
        }
    }

    /// The code with which the receiver of such a Close ends the session.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::ReasonNotUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::HalfCode | Self::Code(_) | Self::ReasonTooLong(_) => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HalfCode => f.write_str("a Close of one byte holds half a code"),
            Self::Code(code) => write!(f, "close code {code} may not be sent"),
            Self::ReasonNotUtf8 => f.write_str("the reason of a Close is not UTF-8"),
            Self::ReasonTooLong(len) => {
                write!(
                    f,
                    "a close reason of {len} bytes is longer than {MAX_REASON}"
                )
            }
        }
    }
}

impl std::error::Error for CloseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Read = Result<(u16, &'static str), CloseError>;

    #[test]
    fn the_wire_takes_registered_and_application_codes_only() {
        let sendable: Vec<u16> = (0..=u16::MAX)
            .filter(|code| CloseCode::new(*code).may_be_sent())
            .collect();
        let expected: Vec<u16> = (1000..=1003)
            .chain(1007..=1014)
            .chain(3000..=4999)
            .collect();
        assert_eq!(sendable, expected);
    }

    #[test]
    fn payloads_are_read_as_the_rfc_says() {
        let long = [&[0x03, 0xe8][..], &[b'x'; 124]].concat();
        let table: [(&[u8], Read); 9] = [
            (b"", Ok((1005, ""))),
            (b"\x03", Err(CloseError::HalfCode)),
            (b"\x03\xe8", Ok((1000, ""))),
            (b"\x03\xf4bye", Ok((1012, "bye"))),
            (b"\x03\xe8\xc3\xa9", Ok((1000, "\u{e9}"))),
            (b"\x03\xed", Err(CloseError::Code(CloseCode::NO_STATUS))),
            (b"\x00\x00", Err(CloseError::Code(CloseCode::new(0)))),
            (b"\x03\xe8\xff", Err(CloseError::ReasonNotUtf8)),
            (&long, Err(CloseError::ReasonTooLong(124))),
        ];
        for (payload, expected) in table {
            let parsed = Close::parse(payload);
            let seen = parsed
                .as_ref()
                .map(|close| (close.status().get(), close.reason()));
            assert_eq!(seen, expected.as_ref().copied(), "{payload:?}");
        }
    }

    #[test]
    fn a_code_alone_is_a_close_that_can_be_sent() {
        assert_eq!(
            Close::from(CloseCode::GOING_AWAY).code(),
            Some(CloseCode::GOING_AWAY)
        );
        assert_eq!(Close::from(CloseCode::NO_STATUS), Close::empty());
        assert_eq!(Close::from(CloseCode::ABNORMAL).code(), None);
    }

    #[test]
    fn only_text_that_is_not_utf8_is_answered_with_1007() {
        assert_eq!(
            CloseError::ReasonNotUtf8.close_code(),
            CloseCode::INVALID_PAYLOAD
        );
        assert_eq!(CloseError::HalfCode.close_code(), CloseCode::PROTOCOL_ERROR);
        assert_eq!(CloseError::Code(CloseCode::ABNORMAL).reason(), "close_code");
    }

    proptest! {
        #[test]
        fn any_payload_that_parses_encodes_to_itself(
            code in prop_oneof![Just(1000u16), 990u16..5010],
            reason in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..126),
                ".{0,40}".prop_map(String::into_bytes),
            ],
        ) {
            let payload = [&code.to_be_bytes()[..], &reason].concat();
            if let Ok(close) = Close::parse(&payload) {
                let mut buffer = [0; MAX_PAYLOAD];
                prop_assert_eq!(close.encode(&mut buffer), &payload[..]);
            }
        }

        #[test]
        fn arbitrary_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Close::parse(&payload);
        }
    }
}
