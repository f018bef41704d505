//! What is held back until it is whole: headers and control frames.
//!
//! Not payload of data frames, which is never held.

use std::ops::Range;

use super::rules::check_close;
use super::{Observer, Rules, ScanEnd, Scanner, Step, StopAt};
use crate::frame::{Decoded, Header, OpCode, Owned};
use crate::violation::Violation;

impl Scanner {
    /// Deals with the control frame at the start of `rest`, which is at offset `at`.
    pub(super) fn control(
        &mut self,
        at: usize,
        header: &Header,
        header_len: usize,
        rules: &Rules,
        rest: &[u8],
        observer: &mut impl Observer,
    ) -> Step {
        let Some(payload) = rest.get(header_len..control_len(header, header_len)) else {
            self.held = Some(Owned::copy(rest));
            return Step::End(at, ScanEnd::Input);
        };
        let after = at + header_len + payload.len();
        whole_control(at..after, header, payload, rules, observer)
    }

    /// Completes what was held back with the start of `input`. Returns what it held before, once
    /// that may be passed.
    #[cold]
    pub(super) fn resume(
        &mut self,
        mut held: Owned,
        rules: &Rules,
        input: &[u8],
        stop: StopAt,
        observer: &mut impl Observer,
    ) -> (Option<Owned>, Step) {
        if self.stops_at(stop) {
            self.held = Some(held);
            return (None, Step::End(0, ScanEnd::Boundary));
        }
        let before = held.len();
        let then = match complete(&mut held, input, |header| rules.check(header, self.open())) {
            Err(violation) => Step::End(0, ScanEnd::Refused(violation)),
            Ok(None) => {
                self.held = Some(held);
                return (None, Step::End(0, ScanEnd::Input));
            }
            Ok(Some((header, header_len))) => {
                let after = held.len() - before;
                if header.opcode.is_control() {
                    let payload = held.get(header_len..).unwrap_or_default();
                    whole_control(0..after, &header, payload, rules, observer)
                } else {
                    self.begin(&header, rules, observer);
                    Step::Next(after)
                }
            }
        };
        held.truncate(before);
        let stays = matches!(
            then,
            Step::End(_, ScanEnd::Refused(_) | ScanEnd::Answered(_))
        );
        ((!stays).then_some(held), then)
    }
}

/// Moves bytes from `input` to `held` until that is a whole header, or a whole frame if it is a
/// control frame, and returns the header and its length; `None` if the input does not suffice.
fn complete(
    held: &mut Owned,
    input: &[u8],
    check: impl Fn(&Header) -> Result<(), Violation>,
) -> Result<Option<(Header, usize)>, Violation> {
    let mut input = input;
    let mut take = |held: &mut Owned, len: usize| {
        let (taken, rest) = input.split_at_checked(len).unwrap_or((input, &[]));
        held.push(taken);
        input = rest;
        taken.len() == len
    };
    loop {
        match Header::decode(held)? {
            Decoded::NeedMore(missing) => {
                if !take(held, missing) {
                    return Ok(None);
                }
            }
            Decoded::Header(header, len) => {
                check(&header)?;
                let whole = if header.opcode.is_control() {
                    control_len(&header, len)
                } else {
                    len
                };
                let missing = whole.saturating_sub(held.len());
                return Ok(take(held, missing).then_some((header, len)));
            }
        }
    }
}

/// The length of a control frame that passed the check: at most 131.
fn control_len(header: &Header, header_len: usize) -> usize {
    usize::try_from(header.payload_len).map_or(usize::MAX, |len| header_len.saturating_add(len))
}

/// Checks a whole control frame, of which the bytes at `place` are in the input.
fn whole_control(
    place: Range<usize>,
    header: &Header,
    payload: &[u8],
    rules: &Rules,
    observer: &mut impl Observer,
) -> Step {
    let then = match header.opcode {
        OpCode::Close => match check_close(header, payload) {
            Ok(code) => Step::End(place.end, ScanEnd::Close(code)),
            Err(violation) => return Step::End(place.start, ScanEnd::Refused(violation)),
        },
        OpCode::Pong if rules.is_awaited(header, payload) => {
            let len = u8::try_from(place.len()).unwrap_or(u8::MAX);
            return Step::End(place.start, ScanEnd::Answered(len));
        }
        OpCode::Continuation | OpCode::Text | OpCode::Binary | OpCode::Ping | OpCode::Pong => {
            Step::Next(place.end)
        }
    };
    observer.frame(rules.from, header.opcode, header.payload_len);
    then
}
