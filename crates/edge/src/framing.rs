//! Notices a request that has both a `Content-Length` and a `Transfer-Encoding`.
//!
//! hyper removes the `Content-Length` of such a request and goes on (RFC 9112 section 6.3 allows
//! it), so nothing behind hyper can see that there was one. A gateway should: two lengths in one
//! request are how requests are smuggled past it. This reads along as bytes come in, ahead of the
//! parser and as leniently, and knows no more of HTTP than it takes to find the next head.

use std::mem;

/// The longest line of a head that is kept when it arrives in pieces, in bytes. The parser refuses
/// a head that is longer than this in all.
const LONGEST_LINE: usize = 64 * 1024;

/// Whether the heads of a connection give their bodies one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Framing {
    /// Each body has one length, or none.
    Plain,
    /// A head has both a `Content-Length` and a `Transfer-Encoding`.
    Contradictory,
}

/// Reads the heads of one connection along with the parser.
///
/// It stops at the first head with a `Transfer-Encoding`: finding the end of a chunked body is the
/// parser's business. The connection must therefore be closed behind a chunked request.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    state: State,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Body { left: u64 },
    Ended(Framing),
}

/// What is known of the head that is being read.
#[derive(Debug, Default)]
struct Head {
    has_request_line: bool,
    has_encoding: bool,
    length: Option<u64>,
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Watcher {
    /// Takes the bytes that came in next, and says what has been found so far.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Framing {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::Head(_) => self.read_line(bytes),
                State::Body { left } => skip(left, bytes),
                State::Ended(framing) => return *framing,
            };
            if matches!(self.state, State::Body { left: 0 }) {
                self.state = State::default();
            }
        }
        match self.state {
            State::Ended(framing) => framing,
            State::Head(_) | State::Body { .. } => Framing::Plain,
        }
    }

    /// Reads up to the end of a line, which may be a bare LF: the parser takes that too.
    fn read_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut halves = bytes.splitn(2, |byte| *byte == b'\n');
        let (piece, rest) = (halves.next().unwrap_or_default(), halves.next());
        if rest.is_none() || !self.line.is_empty() {
            self.line.extend_from_slice(piece);
        }
        if rest.is_some() {
            self.end_line(piece);
        } else if self.line.len() > LONGEST_LINE {
            self.state = State::Ended(Framing::Plain);
        }
        rest.unwrap_or_default()
    }

    /// `last` is the whole line, unless its beginning has been kept.
    fn end_line(&mut self, last: &[u8]) {
        let kept = mem::take(&mut self.line);
        let line = if kept.is_empty() { last } else { &kept };
        if let State::Head(head) = &mut self.state
            && let Some(next) = head.line(line.strip_suffix(b"\r").unwrap_or(line))
        {
            self.state = next;
        }
    }
}

impl Head {
    /// Takes a line; an empty one behind a request line ends the head.
    fn line(&mut self, line: &[u8]) -> Option<State> {
        if line.is_empty() {
            return self.has_request_line.then(|| self.end());
        }
        if self.has_request_line {
            self.field(line);
        }
        self.has_request_line = true;
        None
    }

    fn field(&mut self, line: &[u8]) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            return;
        };
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.has_encoding = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.length = Some(parse_length(value));
        }
    }

    fn end(&self) -> State {
        match (self.has_encoding, self.length) {
            (true, Some(_)) => State::Ended(Framing::Contradictory),
            (true, None) => State::Ended(Framing::Plain),
            (false, Some(left)) => State::Body { left },
            (false, None) => State::default(),
        }
    }
}

/// A length that is no number ends the connection: the parser refuses it.
fn parse_length(value: &[u8]) -> u64 {
    let digits = std::str::from_utf8(value.trim_ascii()).ok();
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(u64::MAX)
}

fn skip<'a>(left: &mut u64, bytes: &'a [u8]) -> &'a [u8] {
    let here = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
    bytes.get(here..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: &str = "POST / HTTP/1.1\r\nhost: h\r\nContent-Length: 3\r\n\
                        TRANSFER-ENCODING: chunked\r\n\r\n";

    fn read(text: &str) -> Framing {
        Watcher::default().read(text.as_bytes())
    }

    #[test]
    fn two_lengths_contradict_in_any_order_and_spelling() {
        assert_eq!(read(BOTH), Framing::Contradictory);
        assert_eq!(read(&BOTH.replace("\r\n", "\n")), Framing::Contradictory);
        let swapped = "GET / HTTP/1.1\r\ntransfer-encoding:chunked\r\ncontent-length:\t0\r\n\r\n";
        assert_eq!(read(swapped), Framing::Contradictory);
    }

    #[test]
    fn one_length_is_plain() {
        for head in [
            "GET / HTTP/1.1\r\nhost: h\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET /?transfer-encoding:content-length: HTTP/1.1\r\n\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
        ] {
            assert_eq!(read(head), Framing::Plain, "{head}");
        }
    }

    #[test]
    fn a_body_is_not_a_head() {
        let inner = BOTH.len();
        let post = format!("POST / HTTP/1.1\r\ncontent-length: {inner}\r\n\r\n{BOTH}");
        assert_eq!(read(&post), Framing::Plain);
        let short = format!("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nab{BOTH}");
        assert_eq!(read(&short), Framing::Contradictory);
    }

    #[test]
    fn later_heads_and_empty_lines_before_them_are_read() {
        let text = format!("GET / HTTP/1.1\r\nhost: h\r\n\r\n\r\n\r\n{BOTH}");
        assert_eq!(read(&text), Framing::Contradictory);
    }

    #[test]
    fn a_line_without_end_is_not_kept_forever() {
        let mut watcher = Watcher::default();
        for _ in 0..1_000 {
            assert_eq!(watcher.read(&[b'a'; 1_024]), Framing::Plain);
        }
        assert!(watcher.line.len() <= LONGEST_LINE + 1_024);
    }

    fn heads() -> impl Strategy<Value = String> {
        let head = prop_oneof![
            Just("GET / HTTP/1.1\r\n\r\n".to_owned()),
            Just("\r\nGET / HTTP/1.1\nhost: h\n\n".to_owned()),
            Just("PUT / HTTP/1.1\r\ncontent-length: 5\r\n\r\n\n\n\n\n\n".to_owned()),
            Just("PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()),
            Just(BOTH.to_owned()),
        ];
        prop::collection::vec(head, 0..5).prop_map(|heads| heads.concat())
    }

    proptest! {
        #[test]
        fn any_split_finds_the_same(
            text in heads(),
            splits in prop::collection::vec(1_usize..9, 1..40),
        ) {
            let mut watcher = Watcher::default();
            let mut rest = text.as_bytes();
            let mut found = Framing::Plain;
            for size in splits.iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(*size));
                found = watcher.read(piece);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            // Without a byte nothing is said anew.
            prop_assert_eq!(watcher.read(&[]), found);
            prop_assert_eq!(found, read(&text));
        }
    }
}
