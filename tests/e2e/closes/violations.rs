//! Ends by a peer that breaks the protocol.

use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Peer};

use super::{Case, both, unchanged};
use crate::support::{Ends, Stage};
use crate::violations::EITHER;

/// What one side alone can do.
const UNMASKED: &str = "unmasked";
const MASKED: &str = "masked";
const EXPECTED_CONTINUATION: &str = "expected_continuation";

pub(super) fn reasons() -> impl Iterator<Item = &'static str> {
    let either = EITHER.iter().map(|(reason, _)| *reason);
    either.chain([UNMASKED, MASKED, EXPECTED_CONTINUATION])
}

/// Has one peer of a session send these bytes, and looks at what is told of it.
#[track_caller]
fn check(
    reason: &'static str,
    initiator: &'static str,
    code: u16,
    bytes: impl Fn(&Peer) -> Vec<u8>,
) {
    let stage = Stage::new();
    let mut ends = stage.open();
    let Ends { client, server } = &mut ends;
    let offender = if initiator == "downstream" {
        client
    } else {
        server
    };
    let bytes = bytes(offender);
    offender.socket().send(&bytes);
    assert_eq!(both(ends), (Some(code), Some(code)), "{reason} {initiator}");
    let case = Case {
        reason,
        initiator,
        code,
        client: Some(code),
        endpoint: Some(code),
        settings: unchanged,
        end: |_, ends| both(ends),
    };
    case.recorded(&stage.gateway);
}

#[test]
fn of_either_side() {
    for (reason, bytes) in EITHER {
        for initiator in ["downstream", "upstream"] {
            check(reason, initiator, 1002, |peer| bytes(peer.mask()));
        }
    }
}

#[test]
fn of_the_mask() {
    let frame = Frame::text("x");
    check(UNMASKED, "downstream", 1002, |_| frame.encode(None));
    check(MASKED, "upstream", 1002, |_| {
        frame.encode(Some([9, 8, 7, 6]))
    });
}

#[test]
fn of_a_message_in_a_message() {
    for initiator in ["downstream", "upstream"] {
        check(EXPECTED_CONTINUATION, initiator, 1002, |peer| {
            [Frame::text("one").unfinished(), Frame::text("two")]
                .map(|frame| peer.encode(&frame))
                .concat()
        });
    }
}

#[test]
fn of_a_reason_that_is_no_text() {
    let close = Frame::new(opcode::CLOSE, [0x03, 0xE8, 0xFF]);
    for initiator in ["downstream", "upstream"] {
        check("close_payload", initiator, 1007, |peer| peer.encode(&close));
    }
}
