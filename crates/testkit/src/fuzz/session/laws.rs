//! What holds at any time between what a peer sent and what the other was written.

use switchyard_proto::Side;
use switchyard_proto::mask;
use switchyard_proto::scanner::Rules;

use super::play::{Stage, TO_DOWNSTREAM, TO_UPSTREAM};
use crate::fuzz::frames::{self, End, Frame};

pub(super) fn check(stage: &Stage) {
    for from in Side::BOTH {
        let sent = &stage.peer(from).sent;
        let written = &stage.peer(from.other()).written;
        let taken = out_is_in_plus_own(stage, from, sent, written);
        if stage.is_open() {
            assert_eq!(
                taken,
                legal(stage, from, sent),
                "held back while the session is open"
            );
        }
        let bytes = sent.len() + stage.peer(from).answered;
        assert_eq!(stage.session.traffic(from).bytes, bytes as u64);
    }
}

/// Returns how many bytes of `sent` are in `written`.
fn out_is_in_plus_own(stage: &Stage, from: Side, sent: &[u8], written: &[u8]) -> usize {
    let ins = frames::read(&rules(stage, from, Limits::OfThePolicy), sent).frames;
    let outs = frames::read(&rules(stage, from, Limits::None), written);
    assert!(
        matches!(outs.end, End::Open | End::Closed),
        "{:?} to {:?}",
        outs.end,
        from.other()
    );
    let end = outs.frames.last().map_or(0, |last| last.place.end);
    assert_eq!(end, written.len(), "bytes after a Close");

    let mut ins = ins.iter().peekable();
    let mut taken = 0;
    for out in &outs.frames {
        let bytes = &written[out.place.clone()];
        match ins.next_if(|next| is_from(next, sent, out, bytes)) {
            Some(next) => taken = next.place.start + bytes.len(),
            None => assert!(is_own(out, bytes), "{bytes:?} is from nobody"),
        }
    }
    taken
}

/// Whether `out` is the peer's `next` frame, or as much of it as was passed.
fn is_from(next: &Frame, sent: &[u8], out: &Frame, bytes: &[u8]) -> bool {
    let whole = &sent[next.place.clone()];
    if out.is_whole {
        whole == bytes
    } else {
        whole.starts_with(bytes)
    }
}

/// Whether a frame is one of the gateway's, or published by the caller.
fn is_own(frame: &Frame, bytes: &[u8]) -> bool {
    frame.opcode == 8 || own_ping(bytes).is_some() || bytes == TO_DOWNSTREAM || bytes == TO_UPSTREAM
}

/// The payload of a Ping of the gateway's own, if `bytes` are one.
pub(super) fn own_ping(bytes: &[u8]) -> Option<[u8; 8]> {
    match bytes {
        [0x89, 0x08, payload @ ..] => payload.try_into().ok(),
        [0x89, 0x88, a, b, c, d, payload @ ..] => {
            let mut payload: [u8; 8] = payload.try_into().ok()?;
            mask::apply(&mut payload, [*a, *b, *c, *d]);
            Some(payload)
        }
        _ => None,
    }
}

/// Whether what a peer sent ends between two frames, and it may say more.
pub(super) fn is_between_frames(stage: &Stage, from: Side) -> bool {
    let sent = &stage.peer(from).sent;
    let read = frames::read(&rules(stage, from, Limits::OfThePolicy), sent);
    read.end == End::Open && read.frames.last().is_none_or(|last| last.is_whole)
}

/// How much of `sent` may be passed on.
fn legal(stage: &Stage, from: Side, sent: &[u8]) -> usize {
    let frames = frames::read(&rules(stage, from, Limits::OfThePolicy), sent).frames;
    frames.last().map_or(0, |last| last.place.end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    OfThePolicy,
    None,
}

fn rules(stage: &Stage, from: Side, limits: Limits) -> Rules {
    let limit = |limit: Option<u64>| match limits {
        Limits::OfThePolicy => limit.unwrap_or(u64::MAX),
        Limits::None => u64::MAX,
    };
    Rules {
        from,
        deflate: stage.deflate,
        max_frame: limit(stage.policy.max_frame),
        max_message: limit(stage.policy.max_message),
        awaited: None,
    }
}
