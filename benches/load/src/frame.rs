//! RFC 6455 frames: enough to speak them from both ends, quickly, and to notice a gateway that
//! does not pass them on as they were.
//!
//! Not here: fragmentation and extensions; neither end of the benchmark makes any.

use anyhow::{Result, bail, ensure};

/// The longest header: two bytes, a 64-bit length and a mask.
const MAX_HEADER: usize = 14;

/// The mask of every client: that of the examples in RFC 6455 section 5.7.
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// In place of a short length: 16 bits of it follow, or 64.
const LEN_16: u8 = 0x7E;
const LEN_64: u8 = 0x7F;

/// What the benchmark sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    fn from_code(code: u8) -> Result<Self> {
        Ok(match code {
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            other => bail!("a frame with opcode {other:#x}, which nobody sent"),
        })
    }
}

/// The header of a whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) len: u64,
}

impl Header {
    /// Appends the header to `out`.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        out.push(FIN | self.kind.code());
        if let Ok(len) = u8::try_from(self.len)
            && len < LEN_16
        {
            out.push(masked | len);
        } else if let Ok(len) = u16::try_from(self.len) {
            out.push(masked | LEN_16);
            out.extend_from_slice(&len.to_be_bytes());
        } else {
            out.push(masked | LEN_64);
            out.extend_from_slice(&self.len.to_be_bytes());
        }
        out.extend_from_slice(self.mask.as_ref().map_or(&[], |mask| &mask[..]));
    }

    /// Reads a header that `bytes` may hold only a part of; its length in bytes comes with it.
    fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        ensure!(first & 0xF0 == FIN, "a frame that begins with {first:#04x}");
        let kind = Kind::from_code(first & 0x0F)?;
        let (len, rest) = match second % MASKED {
            LEN_16 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return Ok(None),
            },
            LEN_64 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
            len => (u64::from(len), rest),
        };
        let (mask, rest) = match rest.split_first_chunk() {
            Some((mask, rest)) if second & MASKED != 0 => (Some(*mask), rest),
            None if second & MASKED != 0 => return Ok(None),
            _ => (None, rest),
        };
        Ok(Some((Self { kind, mask, len }, bytes.len() - rest.len())))
    }
}

/// A whole masked frame, as a client sends it.
pub(crate) fn masked(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(MAX_HEADER + payload.len());
    let header = Header {
        kind,
        mask: Some(KEY),
        len: payload.len() as u64,
    };
    header.encode(&mut frame);
    let start = frame.len();
    frame.extend_from_slice(payload);
    if let Some(payload) = frame.get_mut(start..) {
        unmask(payload, KEY, 0);
    }
    frame
}

/// Applies the mask to a piece of payload that begins `offset` bytes into the frame's.
pub(crate) fn unmask(payload: &mut [u8], key: [u8; 4], offset: u64) {
    let mut key = key;
    key.rotate_left((offset % 4) as usize);
    let wide = u64::from_ne_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// One piece of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A frame begins.
    Header(Header),
    /// Payload of the frame that began last, still masked, and where in the frame it stands.
    Payload(&'a mut [u8], u64),
    /// The frame is over.
    End(Header),
}

/// Reads a stream of frames that is cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    partial: [u8; MAX_HEADER],
    partial_len: usize,
    current: Option<(Header, u64)>,
}

impl Reader {
    /// The mask of the current frame.
    pub(crate) fn mask(&self) -> Option<[u8; 4]> {
        self.current.and_then(|(header, _)| header.mask)
    }

    /// The next piece of `input`, which is shortened by what was read; `None` when it is used up.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>> {
        let Some((header, seen)) = &mut self.current else {
            return self.header(input);
        };
        let header = *header;
        if *seen == header.len {
            self.current = None;
            return Ok(Some(Piece::End(header)));
        }
        if input.is_empty() {
            return Ok(None);
        }
        let wanted = usize::try_from(header.len - *seen).unwrap_or(usize::MAX);
        let taken = take(input, wanted);
        let at = *seen;
        *seen += taken.len() as u64;
        Ok(Some(Piece::Payload(taken, at)))
    }

    fn header<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>> {
        let found = if self.partial_len == 0 {
            let found = Header::decode(input)?;
            if let Some((_, len)) = found {
                take(input, len);
            }
            found
        } else {
            None
        };
        let header = match found {
            Some((header, _)) => header,
            None => match self.collect(input)? {
                Some(header) => header,
                None => return Ok(None),
            },
        };
        self.current = Some((header, 0));
        Ok(Some(Piece::Header(header)))
    }

    /// A header that came in parts, byte by byte.
    fn collect(&mut self, input: &mut &mut [u8]) -> Result<Option<Header>> {
        while let [byte] = take(input, 1) {
            if let Some(slot) = self.partial.get_mut(self.partial_len) {
                *slot = *byte;
            }
            self.partial_len += 1;
            let so_far = self.partial.get(..self.partial_len).unwrap_or_default();
            if let Some((header, _)) = Header::decode(so_far)? {
                self.partial_len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

/// The first bytes of `input`, as many as are wanted or as there are, taken off it.
pub(crate) fn take<'a>(input: &mut &'a mut [u8], wanted: usize) -> &'a mut [u8] {
    let all = std::mem::take(input);
    let (taken, rest) = all.split_at_mut(wanted.min(all.len()));
    *input = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames of a stream that is handed over in pieces of `step` bytes, unmasked.
    fn read(stream: &[u8], step: usize) -> Vec<(Kind, Vec<u8>)> {
        let mut reader = Reader::default();
        let (mut frames, mut payload) = (Vec::new(), Vec::new());
        for chunk in stream.to_vec().chunks_mut(step) {
            let mut input = chunk;
            while let Some(piece) = reader.next(&mut input).unwrap() {
                take_piece(piece, &mut payload, &mut frames);
            }
        }
        frames
    }

    fn take_piece(piece: Piece<'_>, payload: &mut Vec<u8>, frames: &mut Vec<(Kind, Vec<u8>)>) {
        match piece {
            Piece::Header(_) => {}
            Piece::Payload(bytes, at) => {
                unmask(bytes, KEY, at);
                payload.extend_from_slice(bytes);
            }
            Piece::End(header) => frames.push((header.kind, std::mem::take(payload))),
        }
    }

    #[test]
    fn frames_survive_any_cut() {
        let sizes = [0, 1, 125, 126, 127, 65_535, 65_536];
        let payloads: Vec<Vec<u8>> = sizes
            .iter()
            .map(|size| (0..*size).map(|at: u32| at.to_le_bytes()[0]).collect())
            .collect();
        let stream: Vec<u8> = payloads
            .iter()
            .flat_map(|payload| masked(Kind::Binary, payload))
            .chain(masked(Kind::Close, &[3, 232]))
            .collect();
        let expected: Vec<(Kind, Vec<u8>)> = payloads
            .into_iter()
            .map(|payload| (Kind::Binary, payload))
            .chain([(Kind::Close, vec![3, 232])])
            .collect();
        for step in [1, 2, 3, 5, 7, 13, 4096, stream.len()] {
            assert_eq!(read(&stream, step), expected, "pieces of {step}");
        }
    }

    #[test]
    fn what_nobody_sent_is_an_error() {
        for frame in [[0x02, 0x00], [0xC2, 0x00], [0x83, 0x00]] {
            let mut bytes = frame;
            assert!(Reader::default().next(&mut &mut bytes[..]).is_err());
        }
    }

    #[test]
    fn masking_is_as_in_the_rfc() {
        // RFC 6455 section 5.7: a masked "Hello", here as a binary message.
        let frame = masked(Kind::Binary, b"Hello");
        assert_eq!(
            frame,
            [
                0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
            ]
        );
    }
}
