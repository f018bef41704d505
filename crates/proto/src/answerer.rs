//! The other end of a session that has none: it reads what a client sends, keeps nothing of it, and answers what
//! RFC 6455 wants answered. A Ping gets its Pong (section 5.5.3), a Close its Close (section 5.5.1).
//!
//! It is for frames that a [`Session`](crate::Session) has passed on, so it checks no rules. Bytes that are no frames
//! end it all the same. Not here: where the bytes come from and go to.

use crate::close::MAX_PAYLOAD;
use crate::frame::{ControlFrame, Decoded, Header, HeaderBytes, OpCode};
use crate::mask::MaskKey;

/// Bytes of a status code in a Close.
const CODE: usize = 2;

/// See the module. At rest it is a few bytes, and owns nothing.
#[derive(Debug, Default)]
pub struct Answerer {
    /// The beginning of a header.
    header: HeaderBytes,
    /// What is left of a payload that is not looked at.
    skipped: u64,
    control: Option<Box<Control>>,
    end: End,
}

/// Whether there is more to come from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// Nothing is read any more; what is not taken yet is the last.
    Over,
}

/// A control frame that comes in, and its answer, which goes out of the same place.
#[derive(Debug)]
struct Control {
    opcode: OpCode,
    key: MaskKey,
    /// Payload bytes that have not come.
    missing: usize,
    payload: Payload,
    /// The answer, once the payload is there, and how much of it has been taken.
    answer: Option<(ControlFrame, usize)>,
}

type Payload = crate::inline::Inline<MAX_PAYLOAD>;

impl Answerer {
    /// Reads from `bytes`, and returns how many it took: all of them, unless there is an answer to be taken first.
    /// None are left to be read again of what it took.
    #[must_use = "what was not taken has to be given again"]
    pub fn handle_input(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() && !self.has_answer() {
            rest = self.step(rest);
        }
        bytes.len().saturating_sub(rest.len())
    }

    /// The peer says nothing more, and wants to hear nothing more.
    pub fn handle_eof(&mut self) {
        self.end = End::Over;
    }

    /// Whether there are bytes to be taken before more is read.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        self.answer().is_some_and(|answer| !answer.is_empty())
    }

    /// Whether there is nothing to be taken and never will be.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.end == End::Over && !self.has_answer()
    }

    /// Whether a new one could take its place: it is between two frames, and owes nothing.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let between = self.header.is_empty() && self.skipped == 0 && self.control.is_none();
        between && self.end == End::Open
    }

    /// Writes the next bytes of an answer into `area`, and returns how many these are.
    pub fn poll_output(&mut self, area: &mut [u8]) -> usize {
        let Some(Control {
            answer: Some((frame, taken)),
            ..
        }) = self.control.as_deref_mut()
        else {
            return 0;
        };
        let rest = frame.get(*taken..).unwrap_or_default();
        let count = rest.len().min(area.len());
        for (to, from) in area.iter_mut().zip(rest) {
            *to = *from;
        }
        *taken = taken.saturating_add(count);
        if *taken == frame.len() {
            self.control = None;
        }
        count
    }

    fn answer(&self) -> Option<&[u8]> {
        let (frame, taken) = self.control.as_deref()?.answer.as_ref()?;
        frame.get(*taken..)
    }

    /// Takes some of `bytes`, which are not empty, and returns the others.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.end == End::Over {
            return &[];
        }
        if self.skipped > 0 {
            return self.skip(bytes);
        }
        if self.control.is_some() {
            return self.gather(bytes);
        }
        self.begin(bytes)
    }

    fn skip<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let count = usize::try_from(self.skipped).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.skipped = self.skipped.saturating_sub(count as u64);
        bytes.get(count..).unwrap_or_default()
    }

    /// Takes what belongs to a header.
    fn begin<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let before = self.header.len();
        self.header.push(bytes);
        match Header::decode(&self.header) {
            Ok(Decoded::Header(header, length)) => {
                self.header = HeaderBytes::new();
                self.open(&header);
                bytes
                    .get(length.saturating_sub(before)..)
                    .unwrap_or_default()
            }
            Ok(Decoded::NeedMore(_)) => &[],
            Err(_violation) => {
                self.end = End::Over;
                &[]
            }
        }
    }

    /// A frame begins.
    fn open(&mut self, header: &Header) {
        let is_answered = matches!(header.opcode, OpCode::Ping | OpCode::Close);
        match usize::try_from(header.payload_len) {
            Ok(missing @ ..=MAX_PAYLOAD) if is_answered => {
                let mut control = Control {
                    opcode: header.opcode,
                    key: header.mask.unwrap_or_default(),
                    missing,
                    payload: Payload::new(),
                    answer: None,
                };
                self.end = control.completed();
                self.control = Some(Box::new(control));
            }
            Ok(_) | Err(_) => self.skipped = header.payload_len,
        }
    }

    /// Takes what belongs to the payload of a control frame.
    fn gather<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(control) = self.control.as_deref_mut() else {
            return bytes;
        };
        let (payload, rest) = bytes
            .split_at_checked(control.missing)
            .unwrap_or((bytes, &[]));
        control.payload.push(payload);
        control.missing = control.missing.saturating_sub(payload.len());
        self.end = control.completed();
        rest
    }
}

impl Control {
    /// Makes the answer once the payload is whole. A Close is the last.
    fn completed(&mut self) -> End {
        if self.missing > 0 {
            return End::Open;
        }
        crate::mask::apply(&mut self.payload, self.key);
        if self.opcode == OpCode::Close {
            let code = self.payload.get(..CODE).unwrap_or_default();
            self.answer = Some((ControlFrame::bare(OpCode::Close, code), 0));
            return End::Over;
        }
        self.answer = Some((ControlFrame::bare(OpCode::Pong, &self.payload), 0));
        End::Open
    }
}

#[cfg(test)]
mod tests;
