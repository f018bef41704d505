//! Frames of HTTP/2 (RFC 9113 section 4): their heads, and a reader of a stream that is cut anywhere.
//!
//! Not here: what a frame means for its connection.

use anyhow::{Result, ensure};

use crate::frame::take;

/// Every frame begins with so many bytes.
const HEAD: usize = 9;

/// The longest payload that any peer takes, whatever its settings are.
pub(super) const MAX_PAYLOAD: usize = 16 * 1024;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;

/// What is known of the kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Reset,
    Settings,
    Ping,
    GoAway,
    WindowUpdate,
    /// One that may be ignored (RFC 9113 section 5.5), or that nobody sends.
    Other(u8),
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Data => 0x0,
            Self::Headers => 0x1,
            Self::Reset => 0x3,
            Self::Settings => 0x4,
            Self::Ping => 0x6,
            Self::GoAway => 0x7,
            Self::WindowUpdate => 0x8,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x3 => Self::Reset,
            0x4 => Self::Settings,
            0x6 => Self::Ping,
            0x7 => Self::GoAway,
            0x8 => Self::WindowUpdate,
            other => Self::Other(other),
        }
    }
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) len: usize,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn decode([a, b, c, kind, flags, stream @ ..]: [u8; HEAD]) -> Self {
        Self {
            len: u32::from_be_bytes([0, a, b, c]) as usize,
            kind: Kind::from_code(kind),
            flags,
            // The first bit is reserved.
            stream: u32::from_be_bytes(stream) & 0x7FFF_FFFF,
        }
    }
}

/// Appends a frame to `out`. Its payload is short enough for any peer.
pub(super) fn put(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
    debug_assert!(payload.len() <= MAX_PAYLOAD);
    let [_, _, _, _, _, len @ ..] = (payload.len() as u64).to_be_bytes();
    out.extend_from_slice(&len);
    out.extend_from_slice(&[kind.code(), flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// What a reader finds next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Bytes of a stream, as they come.
    Data(u32, &'a mut [u8]),
    /// There are no more of them.
    EndOfData(u32),
    /// Another frame, whole, and its payload.
    Frame(Head, Vec<u8>),
}

/// Reads frames.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The beginning of a frame that is not whole.
    kept: Vec<u8>,
    /// The DATA frame that bytes are taken of, and how many are left.
    data: Option<(Head, usize)>,
}

impl Reader {
    /// The next piece of `input`, which is shortened by what was read; `None` when it is used up.
    pub(super) fn next<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>> {
        loop {
            match &mut self.data {
                Some((head, 0)) => {
                    let head = *head;
                    self.data = None;
                    if head.has(END_STREAM) {
                        return Ok(Some(Piece::EndOfData(head.stream)));
                    }
                }
                Some(_) if input.is_empty() => return Ok(None),
                Some((head, left)) => {
                    let bytes = take(input, *left);
                    *left -= bytes.len();
                    return Ok(Some(Piece::Data(head.stream, bytes)));
                }
                None => match self.head(input) {
                    None => return Ok(None),
                    Some(head) if head.kind == Kind::Data => self.begin(head)?,
                    Some(head) => return Ok(self.whole(head, input)),
                },
            }
        }
    }

    fn begin(&mut self, head: Head) -> Result<()> {
        ensure!(!head.has(PADDED), "padding, which nobody asked for");
        self.kept.clear();
        self.data = Some((head, head.len));
        Ok(())
    }

    /// The head of the frame that is being kept, when it is whole.
    fn head(&mut self, input: &mut &mut [u8]) -> Option<Head> {
        self.keep(input, HEAD);
        self.kept.first_chunk().copied().map(Head::decode)
    }

    fn whole<'a>(&mut self, head: Head, input: &mut &mut [u8]) -> Option<Piece<'a>> {
        self.keep(input, HEAD + head.len);
        if self.kept.len() < HEAD + head.len {
            return None;
        }
        let payload = self.kept.split_off(HEAD);
        self.kept.clear();
        Some(Piece::Frame(head, payload))
    }

    fn keep(&mut self, input: &mut &mut [u8], len: usize) {
        let missing = len.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(take(input, missing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a stream in pieces of `step` bytes: each stream's bytes joined, in between what else came.
    fn read(stream: &[u8], step: usize) -> Vec<String> {
        let mut reader = Reader::default();
        let (mut found, mut data) = (Vec::new(), Vec::new());
        for chunk in stream.to_vec().chunks_mut(step) {
            let mut input = chunk;
            while let Some(piece) = reader.next(&mut input).unwrap() {
                match piece {
                    Piece::Data(_, bytes) => data.extend_from_slice(bytes),
                    Piece::EndOfData(stream) => found.push(format!("{stream}: {data:?}, over")),
                    Piece::Frame(head, payload) => {
                        found.push(format!("{:?} {} {payload:?}", head.kind, head.stream));
                    }
                }
            }
        }
        found
    }

    #[test]
    fn frames_survive_any_cut() {
        let mut stream = Vec::new();
        put(&mut stream, Kind::Settings, 0, 0, &[0, 8, 0, 0, 0, 1]);
        put(&mut stream, Kind::Settings, ACK, 0, &[]);
        put(&mut stream, Kind::Data, 0, 1, &[1, 2, 3]);
        put(&mut stream, Kind::Data, 0, 1, &[]);
        put(&mut stream, Kind::Data, END_STREAM, 1, &[4]);
        put(&mut stream, Kind::Other(0x20), 0, 7, &[9; 300]);
        let expected = [
            "Settings 0 [0, 8, 0, 0, 0, 1]".to_owned(),
            "Settings 0 []".to_owned(),
            "1: [1, 2, 3, 4], over".to_owned(),
            format!("Other(32) 7 {:?}", [9; 300]),
        ];
        for step in [1, 2, 3, 8, 9, 10, 11, stream.len()] {
            assert_eq!(read(&stream, step), expected, "pieces of {step}");
        }
    }

    #[test]
    fn padding_is_an_error() {
        let mut frame = Vec::new();
        put(&mut frame, Kind::Data, PADDED, 1, &[1, 0, 0]);
        assert!(Reader::default().next(&mut &mut frame[..]).is_err());
    }
}
