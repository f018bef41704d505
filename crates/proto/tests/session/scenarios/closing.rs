//! The close handshake, and what breaks it.

use switchyard_proto::CloseCode;
use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::session::{Cause, Initiator, Policy, WaitReason};

use crate::frames::*;
use crate::harness::{self, Harness, Op, policy};

fn both_ways(check: impl Fn(Side, Side)) {
    for first in Side::BOTH {
        check(first, first.other());
    }
}

#[test]
fn a_close_is_carried_over_and_back() {
    both_ways(|first, second| {
        let mut harness = Harness::new();
        let (question, answer) = (close(first, 3001), close(second, 3002));
        harness.input(first, &question);
        assert_eq!(harness.ops(), [Op::Pass(first, question.len())]);
        assert_eq!(harness.waits.1, WaitReason::Close);
        harness.input(second, &frame(second, TEXT, b"still to be said"));
        harness.input(second, &answer);
        assert!(harness.is_shut(Downstream) && !harness.is_shut(Upstream));
        assert_eq!(harness.waits.1, WaitReason::Eof);
        assert_eq!(harness.closed_with(second), Some(3001));
        assert_eq!(harness.closed_with(first), Some(3002));
        assert_eq!(harness.frames(first).len(), 2);
        harness.eof(first);
        assert_eq!(harness.outcome, None);
        harness.eof(second);
        assert!(harness.is_shut(Upstream));
        let outcome = harness.outcome();
        assert_eq!(outcome.initiator, Initiator::from(first));
        assert_eq!(outcome.code, CloseCode::new(3001));
        assert_eq!(outcome.cause, Cause::CloseFrame);
        assert!(outcome.clean);
    });
}

#[test]
fn peers_that_have_said_close_may_be_dropped_once_the_endpoint_has_ended() {
    both_ways(|first, second| {
        let mut harness = Harness::new();
        harness.input(first, &close(first, 1000));
        assert!(!harness.session.have_parted());
        harness.input(second, &close(second, 1000));
        assert!(!harness.session.have_parted(), "the endpoint ends first");
        harness.eof(Upstream);
        assert!(harness.session.have_parted());
        assert_eq!(harness.outcome, None, "the client has not ended");
        harness.part();
        assert!(harness.outcome().clean);
        assert_eq!(harness.outcome().initiator, Initiator::from(first));
    });
}

#[test]
fn who_has_not_said_close_is_not_dropped() {
    both_ways(|first, second| {
        let mut harness = Harness::new();
        harness.input(first, &close(first, 1000)).eof(first);
        harness.eof(second);
        assert!(!harness.session.have_parted());
        let mut harness = Harness::new();
        harness
            .input(first, &[0xff; 9])
            .input(second, &close(second, 1002));
        harness.eof(Upstream);
        assert!(!harness.session.have_parted());
    });
}

#[test]
fn an_endpoint_that_does_not_end_is_waited_for_as_long_again() {
    let mut harness = Harness::new();
    harness.close(CloseCode::GOING_AWAY);
    harness
        .input(Downstream, &close(Downstream, 1001))
        .eof(Downstream);
    harness.pass(harness::CLOSE_TIMEOUT / 2);
    harness.input(Upstream, &close(Upstream, 1001));
    assert_eq!(harness.waits.1, WaitReason::Eof);
    harness.pass(harness::CLOSE_TIMEOUT * 3 / 4);
    assert_eq!(harness.outcome, None);
    harness.pass(harness::CLOSE_TIMEOUT / 4);
    assert!(harness.outcome().clean);
}

#[test]
fn an_end_is_given_more_time_once() {
    let almost = harness::CLOSE_TIMEOUT * 9 / 10;
    let mut harness = Harness::new();
    harness.close(CloseCode::GOING_AWAY);
    harness.input(Downstream, &close(Downstream, 1001));
    harness.pass(almost).input(Upstream, &close(Upstream, 1001));
    harness.pass(almost).eof(Upstream);
    assert_eq!(harness.outcome, None, "the client has not ended");
    harness.pass(harness::CLOSE_TIMEOUT / 5);
    assert!(harness.outcome().clean, "after two timeouts in all");
}

#[test]
fn a_close_without_a_code_is_recorded_as_1005() {
    let mut harness = Harness::new();
    harness.input(Upstream, &frame(Upstream, CLOSE, b""));
    harness.input(Downstream, &frame(Downstream, CLOSE, b""));
    harness.eof(Upstream).eof(Downstream);
    assert_eq!(harness.outcome().code, CloseCode::NO_STATUS);
    assert!(harness.outcome().clean);
}

#[test]
fn what_follows_a_close_is_dropped() {
    both_ways(|first, second| {
        let mut harness = Harness::new();
        let input = [
            close(first, 1000),
            frame(first, TEXT, b"and"),
            vec![0xff; 9],
        ]
        .concat();
        harness.input(first, &input).input(first, b"more");
        assert_eq!(harness.frames(second).len(), 1);
        assert!(harness.session.wants_input(first));
        assert!(harness.session.discards(first) && !harness.session.discards(second));
        assert_eq!(harness.session.traffic(first).bytes, input.len() as u64 + 4);
    });
}

#[test]
fn a_split_close_is_passed_when_it_is_whole() {
    let mut harness = Harness::new();
    let input = close(Downstream, 1000);
    for byte in &input[..7] {
        harness.input(Downstream, &[*byte]);
    }
    assert!(harness.out(Upstream).is_empty());
    harness.input(Downstream, &input[7..]);
    assert_eq!(harness.out(Upstream), input);
    assert_eq!(harness.waits.1, WaitReason::Close);
}

/// What is wrong, its reason, and the code it ends with.
fn violations() -> Vec<(Side, Vec<u8>, &'static str, u16)> {
    let up = |bytes: &[u8]| (Upstream, bytes.to_vec());
    let down = |bytes: &[u8]| (Downstream, bytes.to_vec());
    [
        (up(b"\xf1\x00"), "reserved_bits", 1002),
        (up(b"\x83\x00"), "reserved_opcode", 1002),
        (down(b"\x81\x00"), "unmasked", 1002),
        (up(b"\x81\x80\0\0\0\0"), "masked", 1002),
        (up(b"\x09\x00"), "fragmented_control", 1002),
        (up(b"\x89\x7e\x00\x7e"), "control_too_long", 1002),
        (up(b"\x82\x7e\x00\x01"), "length_not_minimal", 1002),
        (up(b"\x82\x7f\xff\0\0\0\0\0\0\0"), "length_too_large", 1002),
        (up(b"\x80\x00"), "unexpected_continuation", 1002),
        (up(b"\x01\x00\x01\x00"), "expected_continuation", 1002),
        (up(b"\x88\x01\x03"), "close_payload", 1002),
        (up(b"\x88\x03\x03\xe8\xff"), "close_payload", 1007),
        (up(b"\x88\x02\x03\xed"), "close_code", 1002),
        (up(b"\x82\x7e\x01\x01"), "frame_too_big", 1009),
        (up(b"\x02\x7d"), "", 0),
    ]
    .into_iter()
    .filter(|(_, reason, _)| !reason.is_empty())
    .map(|((side, bytes), reason, code)| (side, bytes, reason, code))
    .collect()
}

#[test]
fn a_violation_ends_the_session_with_its_code_on_both_sides() {
    let policy = Policy {
        max_frame: Some(256),
        ..policy()
    };
    for (from, input, reason, code) in violations() {
        let mut harness = Harness::with(policy.clone());
        harness.input(from, &input);
        for to in Side::BOTH {
            let frames = harness.frames(to);
            let last = frames.last().unwrap();
            assert_eq!((last.code(), harness::reason(last)), (code, reason));
            assert_eq!(last.masked, to == Upstream);
        }
        assert!(harness.is_shut(from), "{reason}: nothing it says is heard");
        assert!(
            !harness.is_shut(from.other()),
            "{reason}: the other may answer"
        );
        harness.input(from, b"\x88\x00").eof(from);
        harness
            .input(from.other(), &close(from.other(), code))
            .eof(from.other());
        let outcome = harness.outcome();
        assert_eq!(outcome.cause.reason(), reason);
        assert_eq!(outcome.code.get(), code);
        assert_eq!(outcome.initiator, Initiator::from(from));
        assert!(!outcome.clean);
    }
}

#[test]
fn a_message_in_small_frames_has_a_limit_too() {
    let policy = Policy {
        max_message: Some(5),
        ..policy()
    };
    let mut harness = Harness::with(policy);
    harness.input(Downstream, &fragment(Downstream, TEXT, b"abc"));
    harness.input(Downstream, &frame(Downstream, CONTINUATION, b"def"));
    assert_eq!(harness.frames(Upstream).len(), 2);
    assert_eq!(harness.closed_with(Upstream), Some(1009));
    assert_eq!(harness.closed_with(Downstream), Some(1009));
}

#[test]
fn the_guilty_side_is_told_after_the_frame_on_its_way_to_it() {
    let mut harness = Harness::new();
    let answer = frame(Upstream, TEXT, b"a long answer");
    harness
        .input(Upstream, &answer[..4])
        .input(Downstream, b"\x81\x00");
    assert_eq!(harness.closed_with(Upstream), Some(1002));
    assert_eq!(harness.out(Downstream), &answer[..4]);
    harness.input(Upstream, &answer[4..]);
    assert_eq!(harness.frames(Downstream).len(), 2);
    assert_eq!(harness.closed_with(Downstream), Some(1002));
    assert!(harness.is_shut(Downstream));
}

#[test]
fn a_violation_instead_of_an_answer_is_not_the_cause() {
    let mut harness = Harness::new();
    harness
        .input(Downstream, &close(Downstream, 1000))
        .input(Upstream, b"\xff\xff");
    assert_eq!(harness.closed_with(Downstream), Some(1002));
    assert!(harness.is_shut(Downstream) && harness.is_shut(Upstream));
    harness.eof(Downstream).eof(Upstream);
    let outcome = harness.outcome();
    assert_eq!((outcome.cause, outcome.clean), (Cause::CloseFrame, false));
}

#[test]
fn a_violation_after_our_close_ends_the_wait_for_an_answer() {
    let mut harness = Harness::new();
    harness
        .close(CloseCode::GOING_AWAY)
        .input(Upstream, b"\xff\xff");
    assert!(harness.is_shut(Upstream) && !harness.is_shut(Downstream));
    assert_eq!(harness.frames(Upstream).len(), 1);
}
