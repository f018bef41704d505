//! Frames as a peer makes and reads them: written from RFC 6455 section 5.2 once more, so that
//! the tests do not believe what the crate says of itself.

use switchyard_proto::Side;

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// Begins the payload of every message that the gateway publishes; no peer sends it.
pub(crate) const PUBLISHED: &[u8] = b"published:";

const KEY: [u8; 4] = [0xa1, 0x0b, 0xc2, 0x9d];

/// A frame from `from`, masked as its side must. `first` is the first byte of the header.
pub(crate) fn raw(from: Side, first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = from == Side::Downstream;
    let bit = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(bit | u8::try_from(len).unwrap()),
        len @ 126..=0xffff => {
            bytes.push(bit | 0x7e);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(bit | 0x7f);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend(KEY);
        bytes.extend(xor(payload, KEY));
    } else {
        bytes.extend(payload);
    }
    bytes
}

/// A frame with FIN.
pub(crate) fn frame(from: Side, opcode: u8, payload: &[u8]) -> Vec<u8> {
    raw(from, 0x80 | opcode, payload)
}

/// A frame without FIN.
pub(crate) fn fragment(from: Side, opcode: u8, payload: &[u8]) -> Vec<u8> {
    raw(from, opcode, payload)
}

pub(crate) fn close(from: Side, code: u16) -> Vec<u8> {
    frame(from, CLOSE, &code.to_be_bytes())
}

fn xor(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let keys = key.into_iter().cycle();
    payload
        .iter()
        .zip(keys)
        .map(|(byte, key)| byte ^ key)
        .collect()
}

/// The payload of a Ping of the gateway's own, if `bytes` that it sends are one: it has 8 bytes, which
/// no Ping of a peer has in these tests.
pub(crate) fn own_ping(to: Side, bytes: &[u8]) -> Option<Vec<u8>> {
    let frame = read(bytes).filter(|frame| frame.len == bytes.len())?;
    let is_own = frame.is_own_ping() && frame.masked == (to == Side::Upstream);
    is_own.then_some(frame.payload)
}

/// A frame as read, its payload unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) masked: bool,
    pub(crate) payload: Vec<u8>,
    /// On the wire, header included.
    pub(crate) len: usize,
}

impl Frame {
    pub(crate) fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    pub(crate) fn fin(&self) -> bool {
        self.first & 0x80 != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.opcode() & 0x8 != 0
    }

    pub(crate) fn is_own_ping(&self) -> bool {
        self.first == 0x80 | PING && self.payload.len() == 8
    }

    pub(crate) fn is_published(&self) -> bool {
        self.payload.starts_with(PUBLISHED)
    }

    /// The code of a Close; 1005 if it has none.
    pub(crate) fn code(&self) -> u16 {
        let code = self.payload.first_chunk().copied();
        code.map_or(1005, u16::from_be_bytes)
    }
}

/// The frame at the start of `bytes`, if it is there as a whole.
pub(crate) fn read(bytes: &[u8]) -> Option<Frame> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (payload_len, mut at) = match second & 0x7f {
        126 => (
            u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
            4,
        ),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
        len => (u64::from(len), 2),
    };
    let masked = second & 0x80 != 0;
    let mut key = [0; 4];
    if masked {
        key = *bytes.get(at..)?.first_chunk()?;
        at += 4;
    }
    let len = at.checked_add(usize::try_from(payload_len).ok()?)?;
    let payload = xor(bytes.get(at..len)?, key);
    Some(Frame {
        first,
        masked,
        payload,
        len,
    })
}
