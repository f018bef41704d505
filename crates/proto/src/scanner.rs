//! One direction of a stream of frames, checked while it flows past.
//!
//! A [`Scanner`] is shown the bytes as they arrive, cut anywhere, and says which of them may be
//! passed on. It reads headers and steps over payload without touching it. Two things it holds
//! back until they are whole: a header, so that a refused frame is refused before any of its bytes
//! are passed; and a control frame, so that a Close can be checked. Both fit in 131 bytes.
//!
//! There are two ways through: `whole` goes over whole messages of one frame, which is what nearly
//! all traffic is, and `Scanner::step` over anything there can be, a frame at a time.
//!
//! Not here: what becomes of the session (`session`), and UTF-8 in text messages, which is the
//! receiver's to check (a compressed text cannot be checked on the way at all).

mod held;
mod observer;
mod record;
mod rules;
mod whole;

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
    place: Place,
}

/// Where in a message the stream is. Between two scans nothing remains of the current frame but in
/// a message, and something does remain in its last frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Between two messages.
    #[default]
    Between,
    /// In a message, or between two of its frames; its last frame has not begun.
    Within(MessageKind),
    /// In the last frame of a message.
    Last(MessageKind),
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
        self.place == Place::Between
    }

    /// Scans `input`, the bytes that follow those of the last scan. After [`ScanEnd::Boundary`]
    /// the next input starts with what was not passed, and after [`ScanEnd::Answered`] behind the Pong; after
    /// [`ScanEnd::Close`] and
    /// [`ScanEnd::Refused`] there is nothing more to scan.
    #[inline]
    pub fn scan(
        &mut self,
        rules: &Rules,
        input: &[u8],
        stop: StopAt,
        observer: &mut impl Observer,
    ) -> Scan {
        let skimmed = match stop {
            StopAt::Never => self.skim(rules, input, observer),
            StopAt::Frame | StopAt::Message => 0,
        };
        self.scan_from(skimmed, rules, input, stop, observer)
    }

    /// The part of a scan without a place to stop that most scans are: goes over the rest of the current frame, then
    /// over whole messages, and returns how many bytes of `input` that is. [`scan_from`](Self::scan_from) goes on
    /// there.
    #[allow(
        clippy::inline_always,
        reason = "a third of a frame's instructions otherwise: benches/instructions"
    )]
    #[inline(always)]
    pub(crate) fn skim(
        &mut self,
        rules: &Rules,
        input: &[u8],
        observer: &mut impl Observer,
    ) -> usize {
        let at = match self.place {
            Place::Between => 0,
            Place::Within(_) | Place::Last(_) => self.step_over(input.len(), rules, observer),
        };
        if self.place != Place::Between || self.held.is_some() {
            return at;
        }
        at + whole::skim(rules, input.get(at..).unwrap_or_default(), observer)
    }

    /// Scans `input` from offset `at`, up to which it was skimmed.
    pub(crate) fn scan_from(
        &mut self,
        at: usize,
        rules: &Rules,
        input: &[u8],
        stop: StopAt,
        observer: &mut impl Observer,
    ) -> Scan {
        let (release, mut then) = match self.held.take() {
            None => (None, Step::Next(at)),
            Some(held) => self.resume(held, rules, input, stop, observer),
        };
        let mut skimmed = at;
        loop {
            match then {
                Step::Next(mut at) => {
                    let is_news = at > skimmed && at < input.len();
                    if is_news && stop == StopAt::Never && !matches!(self.place, Place::Within(_)) {
                        at += self.skim_on(rules, input.get(at..).unwrap_or_default(), observer);
                        skimmed = at;
                    }
                    then = self.step(at, rules, input, stop, observer);
                }
                Step::End(pass, end) => return Scan { release, pass, end },
            }
        }
    }

    /// Skims behind what the general way was needed for: whole messages may follow, unless this was a fragment.
    #[inline(never)]
    fn skim_on(&mut self, rules: &Rules, input: &[u8], observer: &mut impl Observer) -> usize {
        self.skim(rules, input, observer)
    }

    /// Goes over the rest of the current frame, and reads the next header.
    #[inline]
    fn step(
        &mut self,
        mut at: usize,
        rules: &Rules,
        input: &[u8],
        stop: StopAt,
        observer: &mut impl Observer,
    ) -> Step {
        if self.place != Place::Between {
            at += self.step_over(input.len().saturating_sub(at), rules, observer);
            if self.remaining > 0 {
                return Step::End(at, ScanEnd::Input);
            }
        }
        let rest = input.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Step::End(at, ScanEnd::Input);
        }
        if self.stops_at(stop) {
            return Step::End(at, ScanEnd::Boundary);
        }
        self.next_frame(at, rules, rest, observer)
    }

    /// Reads the header at the start of `rest`, which is at offset `at`.
    #[inline]
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

    /// Steps over as much payload as `available` bytes hold and returns how much that is. With the last byte of a
    /// message the message is over.
    #[inline]
    fn step_over(
        &mut self,
        available: usize,
        rules: &Rules,
        observer: &mut impl Observer,
    ) -> usize {
        let remaining = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let taken = remaining.min(available);
        self.remaining -= taken as u64;
        if let Place::Last(kind) = self.place
            && self.remaining == 0
        {
            observer.message(rules.from, kind, self.message);
            self.message = 0;
            self.place = Place::Between;
        }
        taken
    }

    /// Begins a data frame that passed the check.
    #[inline]
    fn begin(&mut self, header: &Header, rules: &Rules, observer: &mut impl Observer) {
        let kind = match (header.opcode, self.place) {
            (OpCode::Text, _) => MessageKind::Text,
            (OpCode::Binary, _) => MessageKind::Binary,
            (_, Place::Within(kind) | Place::Last(kind)) => kind,
            (_, Place::Between) => return,
        };
        self.place = if header.fin {
            Place::Last(kind)
        } else {
            Place::Within(kind)
        };
        self.message = self.message.saturating_add(header.payload_len);
        self.remaining = header.payload_len;
        observer.frame(rules.from, header.opcode, header.payload_len);
    }

    #[inline]
    fn open(&self) -> Open {
        match self.place {
            Place::Between => Open::No,
            Place::Within(_) | Place::Last(_) => Open::Fragments(self.message),
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
