//! A reader of frames that is told the whole stream at once: the model that the scanner and the
//! session are held against. It is written from RFC 6455 section 5 and shares no code with them.

use std::ops::Range;

use switchyard_proto::Side;
use switchyard_proto::close::Close;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::scanner::Rules;

/// A stream as frames.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frames {
    /// The frames that are legal, in order; only the last can be cut off.
    pub(super) frames: Vec<Frame>,
    /// What comes after them.
    pub(super) end: End,
}

/// A frame and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its bytes, as far as there are any.
    pub(super) place: Range<usize>,
    pub(super) opcode: u8,
    /// Whether all its bytes are there.
    pub(super) is_whole: bool,
}

/// What comes after the legal frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing, or the payload of a data frame that is still to come.
    Open,
    /// A header or a control frame that is cut off, and legal so far as can be told.
    CutOff,
    /// A frame that is not legal.
    Illegal,
    /// The last frame is a Close; whatever follows does not count.
    Closed,
}

/// Reads frames until the stream ends or breaks a rule.
pub(super) fn read(rules: &Rules, stream: &[u8]) -> Frames {
    let mut reader = Reader {
        rules,
        stream,
        at: 0,
        open: None,
    };
    let mut frames = Vec::new();
    let end = loop {
        match reader.next() {
            Ok(frame) => {
                let (opcode, is_whole) = (frame.opcode, frame.is_whole);
                frames.push(frame);
                if opcode == 8 {
                    break End::Closed;
                }
                if !is_whole {
                    break End::Open;
                }
            }
            Err(end) => break end,
        }
    };
    Frames { frames, end }
}

struct Reader<'a> {
    rules: &'a Rules,
    stream: &'a [u8],
    at: usize,
    /// Payload bytes so far of the message that is open.
    open: Option<u64>,
}

/// The parts of a header that the rules look at.
struct Head {
    fin: bool,
    rsv: u8,
    opcode: u8,
    masked: bool,
    len: u64,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Frame, End> {
        let start = self.at;
        let rest = &self.stream[start..];
        if rest.is_empty() {
            return Err(End::Open);
        }
        let (head, head_len) = read_head(rest)?;
        if !self.is_legal(&head) {
            return Err(End::Illegal);
        }
        let whole = (head_len as u64).saturating_add(head.len);
        let is_whole = whole <= rest.len() as u64;
        if head.opcode >= 8 {
            if !is_whole {
                return Err(End::CutOff);
            }
            if head.opcode == 8
                && !is_close(&rest[head_len - 4 * usize::from(head.masked)..], &head)
            {
                return Err(End::Illegal);
            }
        } else {
            let message = self.open.unwrap_or(0).saturating_add(head.len);
            self.open = (!head.fin).then_some(message);
        }
        self.at = if is_whole {
            start + usize::try_from(whole).unwrap()
        } else {
            self.stream.len()
        };
        Ok(Frame {
            place: start..self.at,
            opcode: head.opcode,
            is_whole,
        })
    }

    fn is_legal(&self, head: &Head) -> bool {
        let rules = self.rules;
        let compressed =
            head.rsv == 0b100 && rules.deflate == Deflate::On && matches!(head.opcode, 1 | 2);
        let fits = match (head.opcode, self.open) {
            (8.., _) => head.fin && head.len <= 125,
            (0, Some(before)) => self.fits(head.len, before),
            (1 | 2, None) => self.fits(head.len, 0),
            _ => false,
        };
        fits && (head.rsv == 0 || compressed) && head.masked == (rules.from == Side::Downstream)
    }

    fn fits(&self, len: u64, before: u64) -> bool {
        len <= self.rules.max_frame && before.saturating_add(len) <= self.rules.max_message
    }
}

/// Section 5.2.
fn read_head(bytes: &[u8]) -> Result<(Head, usize), End> {
    let &[first, second, ..] = bytes else {
        return Err(End::CutOff);
    };
    let opcode = first & 0x0f;
    if matches!(opcode, 3..=7 | 11..) {
        return Err(End::Illegal);
    }
    let masked = second & 0x80 != 0;
    let extended = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some(length) = bytes.get(2..2 + extended) else {
        return Err(End::CutOff);
    };
    let len = match extended {
        0 => u64::from(second & 0x7f),
        _ => length
            .iter()
            .fold(0, |len, byte| len << 8 | u64::from(*byte)),
    };
    let shortest = match len {
        0..126 => 0,
        126..0x1_0000 => 2,
        _ => 8,
    };
    if extended != shortest || len >> 63 != 0 {
        return Err(End::Illegal);
    }
    let head_len = 2 + extended + 4 * usize::from(masked);
    if bytes.len() < head_len {
        return Err(End::CutOff);
    }
    let head = Head {
        fin: first & 0x80 != 0,
        rsv: first >> 4 & 0b111,
        opcode,
        masked,
        len,
    };
    Ok((head, head_len))
}

/// Whether the payload of a Close is one that may be sent; `bytes` starts with its mask, if any.
fn is_close(bytes: &[u8], head: &Head) -> bool {
    let len = usize::try_from(head.len).unwrap();
    let payload: Vec<u8> = if head.masked {
        let (mask, payload) = bytes.split_at(4);
        payload[..len]
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect()
    } else {
        bytes[..len].to_vec()
    };
    Close::parse(&payload).is_ok()
}
