//! One direction of a stream of frames, checked while it flows past.
//!
//! A [`Scanner`] is shown the bytes as they arrive, cut anywhere, and says which of them may be
//! passed on. It reads headers and steps over payload without touching it. Two things it holds
//! back until they are whole: a header, so that a refused frame is refused before any of its bytes
//! are passed; and a control frame, so that a Close can be checked. Both fit in 131 bytes.
//!
//! Not here: what becomes of the session (`session`), and UTF-8 in text messages, which is the
//! receiver's to check (a compressed text cannot be checked on the way at all).

mod held;
mod observer;
mod record;
mod rules;

pub use observer::{MessageKind, Observer};
pub use rules::Rules;

use crate::close::CloseCode;
use crate::frame::{Decoded, Header, OpCode, Owned};
use crate::violation::Violation;
use rules::Open;

/// Where in the stream to stop, even if there is more input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAt {
    /// Nowhere.
    Never,
    /// Between two frames.
    Frame,
    /// Between two messages.
    Message,
}

/// What became of one piece of input.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan {
    /// Bytes of earlier input that were held back and now go first.
    pub release: Option<Owned>,
    /// How many bytes of this input may be passed, from its start.
    pub pass: usize,
    /// What comes after them.
    pub end: ScanEnd,
}

/// Why a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanEnd {
    /// The input is used up. What was not passed is held back.
    Input,
    /// The place to stop was reached; the rest of the input is untouched.
    Boundary,
    /// The last frame passed is a Close with this code ([`CloseCode::NO_STATUS`] for none).
    /// Nothing may follow it.
    Close(CloseCode),
    /// The next frame is the Pong that the rules wait for; it has so many bytes in this input and
    /// is not to be passed. The rest of the input is untouched.
    Answered(u8),
    /// The next frame broke a rule. None of its bytes may be passed, nor any after them.
    Refused(Violation),
}

/// The state of one direction: 40 bytes, and up to 132 more while a control frame longer than a
/// header arrives in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanner {
    /// Payload bytes of the current data frame yet to come.
    remaining: u64,
    /// Payload bytes of the current message in the frames so far, the current one included.
    message: u64,
    held: Option<Owned>,
    open: Option<MessageKind>,
    last: LastFrame,
}

/// Whether the current frame is the last of its message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LastFrame {
    Yes,
    #[default]
    No,
}

/// How far the scan of one input has come.
#[derive(Clone, Copy)]
enum Step {
    /// On to the next frame, at this offset.
    Next(usize),
    /// No further.
    End(usize, ScanEnd),
}

impl Scanner {
    /// A scanner before the first frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether what was passed so far ends between two frames.
    pub fn at_frame_boundary(&self) -> bool {
        self.remaining == 0
    }

    /// Whether what was passed so far ends between two messages.
    pub fn at_message_boundary(&self) -> bool {
        self.remaining == 0 && self.open.is_none()
    }

    /// Scans `input`, the bytes that follow those of the last scan. After [`ScanEnd::Boundary`]
    /// the next input starts with what was not passed, and after [`ScanEnd::Answered`] behind the Pong; after
    /// [`ScanEnd::Close`] and
    /// [`ScanEnd::Refused`] there is nothing more to scan.
    #[allow(
        clippy::inline_always,
        reason = "a tenth of a frame's instructions otherwise: benches/instructions"
    )]
    #[inline(always)]
    pub fn scan(
        &mut self,
        rules: &Rules,
        input: &[u8],
        stop: StopAt,
        observer: &mut impl Observer,
    ) -> Scan {
        let (release, then) = match self.held.take() {
            None => (None, Step::Next(0)),
            Some(held) => self.resume(held, rules, input, stop, observer),
        };
        let (pass, end) = match then {
            Step::Next(at) => self.run(at, rules, input, stop, observer),
            Step::End(pass, end) => (pass, end),
        };
        Scan { release, pass, end }
    }

    /// Goes over whole frames and payload from offset `at`.
    #[allow(clippy::inline_always, reason = "as `scan`")]
    #[inline(always)]
    fn run(
        &mut self,
        mut at: usize,
        rules: &Rules,
        input: &[u8],
        stop: StopAt,
        observer: &mut impl Observer,
    ) -> (usize, ScanEnd) {
        loop {
            at += self.step_over(input.len() - at);
            if self.remaining > 0 {
                return (at, ScanEnd::Input);
            }
            if self.last == LastFrame::Yes {
                self.finish_message(rules, observer);
            }
            let rest = input.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return (at, ScanEnd::Input);
            }
            if self.stops_at(stop) {
                return (at, ScanEnd::Boundary);
            }
            match self.next_frame(at, rules, rest, observer) {
                Step::Next(next) => at = next,
                Step::End(pass, end) => return (pass, end),
            }
        }
    }

    /// Reads the header at the start of `rest`, which is at offset `at`.
    #[allow(clippy::inline_always, reason = "as `scan`")]
    #[inline(always)]
    fn next_frame(
        &mut self,
        at: usize,
        rules: &Rules,
        rest: &[u8],
        observer: &mut impl Observer,
    ) -> Step {
        match Header::decode(rest) {
            Err(violation) => Step::End(at, ScanEnd::Refused(violation)),
            Ok(Decoded::NeedMore(_)) => {
                self.held = Some(Owned::copy(rest));
                Step::End(at, ScanEnd::Input)
            }
            Ok(Decoded::Header(header, len)) => match rules.check(&header, self.open()) {
                Err(violation) => Step::End(at, ScanEnd::Refused(violation)),
                Ok(()) if header.opcode.is_control() => {
                    self.control(at, &header, len, rules, rest, observer)
                }
                Ok(()) => {
                    self.begin(&header, rules, observer);
                    Step::Next(at + len)
                }
            },
        }
    }

    /// Steps over as much payload as `available` bytes hold and returns how much that is.
    #[inline]
    fn step_over(&mut self, available: usize) -> usize {
        let remaining = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let taken = remaining.min(available);
        self.remaining -= taken as u64;
        taken
    }

    #[inline]
    fn begin(&mut self, header: &Header, rules: &Rules, observer: &mut impl Observer) {
        let kind = match header.opcode {
            OpCode::Text => Some(MessageKind::Text),
            OpCode::Binary => Some(MessageKind::Binary),
            OpCode::Continuation | OpCode::Close | OpCode::Ping | OpCode::Pong => self.open,
        };
        self.open = kind;
        self.message = self.message.saturating_add(header.payload_len);
        self.remaining = header.payload_len;
        if header.fin {
            self.last = LastFrame::Yes;
        }
        observer.frame(rules.from, header.opcode, header.payload_len);
    }

    #[inline]
    fn finish_message(&mut self, rules: &Rules, observer: &mut impl Observer) {
        if let Some(kind) = self.open.take() {
            observer.message(rules.from, kind, self.message);
        }
        self.message = 0;
        self.last = LastFrame::No;
    }

    #[inline]
    fn open(&self) -> Open {
        match self.open {
            None => Open::No,
            Some(_) => Open::Fragments(self.message),
        }
    }

    #[inline]
    fn stops_at(&self, stop: StopAt) -> bool {
        match stop {
            StopAt::Never => false,
            StopAt::Frame => self.at_frame_boundary(),
            StopAt::Message => self.at_message_boundary(),
        }
    }
}

#[cfg(test)]
mod tests;
