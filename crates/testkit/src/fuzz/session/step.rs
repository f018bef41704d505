//! What can happen to a session, out of bytes.

use std::time::Duration;

use switchyard_proto::Side;

use crate::fuzz::bytes::Bytes;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A peer's bytes arrive.
    Input(Side, Vec<u8>),
    /// A peer ends its stream.
    Eof(Side),
    /// A peer's connection fails.
    Reset(Side),
    /// All that was written to a peer is on the wire.
    Flushed(Side),
    /// It is not.
    Blocked(Side),
    /// A peer answers the gateway's Ping, if there is one.
    Answer(Side),
    /// The gateway asks both peers to go.
    Close(u16),
    /// The gateway ends the session at once.
    Cut,
    /// The caller has a message for a peer.
    Publish(Side),
    /// Time passes.
    Wait(Duration),
}

impl Step {
    pub(super) fn read(input: &mut Bytes<'_>) -> Self {
        let kind = input.byte();
        let side = if kind & 0x80 == 0 {
            Side::Downstream
        } else {
            Side::Upstream
        };
        match kind & 0x0f {
            0..=6 => Self::Input(side, frame(side, input)),
            7 | 8 => {
                let len = usize::from(input.byte());
                Self::Input(side, input.take(len).to_vec())
            }
            9 => Self::Eof(side),
            10 => Self::Reset(side),
            11 if kind & 0x20 != 0 => Self::Blocked(side),
            11 => Self::Flushed(side),
            12 => Self::Close(input.pick(&[1012, 1001, 4000, 1005])),
            13 if kind & 0x20 != 0 => Self::Answer(side),
            13 => Self::Publish(side),
            14 => Self::Wait(input.pick(&[1, 4, 5, 59, 60, 3600].map(Duration::from_secs))),
            _ if kind & 0x40 != 0 => Self::Cut,
            _ => Self::Wait(Duration::ZERO),
        }
    }
}

/// A frame that is well-formed but for what the input says, whole or cut off.
fn frame(side: Side, input: &mut Bytes<'_>) -> Vec<u8> {
    let opcode = input.pick(&[1, 0, 2, 8, 9, 10, 1, 0, 3]);
    let flags = input.byte();
    let fin = if flags & 1 == 0 { 0x80 } else { 0 };
    let rsv = if flags & 6 == 6 { flags & 0x70 } else { 0 };
    let is_masked = (side == Side::Downstream) ^ (flags & 0x88 == 0x88);
    let payload = if opcode == 8 {
        close_payload(input)
    } else {
        data_payload(input)
    };

    let mut frame = vec![fin | rsv | opcode];
    push_length(&mut frame, payload.len(), if is_masked { 0x80 } else { 0 });
    if is_masked {
        let key = [0x11, 0x22, 0x33, flags];
        frame.extend(key);
        frame.extend(
            payload
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
    } else {
        frame.extend(payload);
    }
    if flags & 0x0a == 0x0a {
        frame.truncate(usize::from(input.byte()));
    }
    frame
}

fn push_length(frame: &mut Vec<u8>, len: usize, masked: u8) {
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ ..126), _) => frame.push(masked | short),
        (_, Ok(middle)) => {
            frame.push(masked | 0x7e);
            frame.extend(middle.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(masked | 0x7f);
            frame.extend((len as u64).to_be_bytes());
        }
    }
}

fn data_payload(input: &mut Bytes<'_>) -> Vec<u8> {
    let len = input.pick(&[
        0, 1, 2, 3, 6, 7, 8, 9, 10, 50, 125, 126, 127, 130, 1_000, 65_536,
    ]);
    vec![b'x'; len]
}

fn close_payload(input: &mut Bytes<'_>) -> Vec<u8> {
    let payloads: [&[u8]; 7] = [
        b"",
        b"\x03\xe8",
        b"\x03\xe9bye",
        b"\x03",
        b"\x03\xed",
        b"\x0f\xa0\xff",
        b"\x0f\xa0four",
    ];
    input.pick(&payloads).to_vec()
}
