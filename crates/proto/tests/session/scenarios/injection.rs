//! What the gateway says itself, and where.

use switchyard_proto::CloseCode;
use switchyard_proto::Side::{Downstream, Upstream};
use switchyard_proto::session::{Cause, Initiator};

use crate::frames::*;
use crate::harness::{Harness, Op, published};

#[test]
fn a_message_is_published_at_once_between_messages() {
    let mut harness = Harness::new();
    harness.publish(Downstream).publish(Upstream);
    assert_eq!(
        harness.ops(),
        [Op::Publish(Downstream), Op::Publish(Upstream)]
    );
}

#[test]
fn a_message_waits_for_the_end_of_another() {
    let mut harness = Harness::new();
    let first = fragment(Upstream, TEXT, b"once upon");
    let second = [
        frame(Upstream, PING, b""),
        frame(Upstream, CONTINUATION, b" a time"),
    ]
    .concat();
    let third = frame(Upstream, TEXT, b"the end");
    harness
        .input(Upstream, &first[..5])
        .publish(Downstream)
        .publish(Downstream);
    assert_eq!(harness.ops(), [Op::Pass(Upstream, 5)]);
    harness.input(Upstream, &[&first[5..], &second, &third].concat());
    assert_eq!(
        harness.ops(),
        [
            Op::Pass(Upstream, 6 + second.len()),
            Op::Publish(Downstream),
            Op::Publish(Downstream),
            Op::Pass(Upstream, third.len()),
        ]
    );
    let news = published(Downstream);
    assert_eq!(
        harness.out(Downstream),
        [&first[..], &second, &news, &news, &third].concat()
    );
}

#[test]
fn a_message_goes_between_two_that_came_together() {
    let mut harness = Harness::new();
    let (first, second) = (
        frame(Upstream, TEXT, b"once"),
        frame(Upstream, TEXT, b"twice"),
    );
    harness.input(Upstream, &first[..5]).publish(Downstream);
    harness.input(Upstream, &[&first[5..], &second].concat());
    assert_eq!(
        harness.ops(),
        [
            Op::Pass(Upstream, 5),
            Op::Pass(Upstream, first.len() - 5),
            Op::Publish(Downstream),
            Op::Pass(Upstream, second.len()),
        ]
    );
}

#[test]
fn a_withheld_header_does_not_block_a_message() {
    let mut harness = Harness::new();
    let input = frame(Upstream, TEXT, b"late");
    harness.input(Upstream, &input[..1]).publish(Downstream);
    harness.input(Upstream, &input[1..]);
    assert_eq!(
        harness.out(Downstream),
        [published(Downstream), input].concat()
    );
}

#[test]
fn a_close_waits_for_the_end_of_a_frame_in_each_direction() {
    let mut harness = Harness::new();
    let input = frame(Downstream, TEXT, b"half of this");
    let next = frame(Downstream, TEXT, b"never");
    harness
        .input(Downstream, &input[..9])
        .close(CloseCode::SERVICE_RESTART);
    assert_eq!(
        harness.ops(),
        [Op::Pass(Downstream, 9), Op::Send(Downstream, 4)]
    );
    harness.input(Downstream, &[&input[9..], &next].concat());
    assert_eq!(
        harness.ops(),
        [
            Op::Pass(Downstream, input.len() - 9),
            Op::Send(Upstream, 8),
            Op::Skip(Downstream, next.len()),
        ]
    );
    assert_eq!(harness.closed_with(Downstream), Some(1012));
    assert_eq!(harness.closed_with(Upstream), Some(1012));
    let masked: Vec<bool> = harness
        .frames(Upstream)
        .iter()
        .map(|frame| frame.masked)
        .collect();
    assert_eq!(masked, [true, true]);
}

#[test]
fn a_drain_is_clean_when_both_answer() {
    let mut harness = Harness::new();
    harness.close(CloseCode::GOING_AWAY);
    assert!(harness.session.discards(Downstream) && harness.session.discards(Upstream));
    harness.input(Downstream, &frame(Downstream, TEXT, b"crossing"));
    harness.input(Downstream, &close(Downstream, 1001));
    assert!(harness.is_shut(Downstream) && !harness.is_shut(Upstream));
    harness.eof(Downstream);
    harness
        .input(Upstream, &close(Upstream, 1001))
        .eof(Upstream);
    let outcome = harness.outcome();
    assert_eq!(outcome.initiator, Initiator::Gateway);
    assert_eq!(outcome.cause, Cause::Drain);
    assert_eq!(outcome.code, CloseCode::GOING_AWAY);
    assert!(outcome.clean);
    assert_eq!(harness.frames(Upstream).len(), 1);
    assert_eq!(harness.frames(Downstream).len(), 1);
}

#[test]
fn a_header_withheld_before_a_close_is_gone() {
    let mut harness = Harness::new();
    let input = frame(Upstream, TEXT, b"late");
    harness
        .input(Upstream, &input[..1])
        .close(CloseCode::GOING_AWAY);
    harness
        .input(Upstream, &input[1..])
        .input(Upstream, &close(Upstream, 1001))
        .eof(Upstream);
    assert_eq!(harness.frames(Downstream).len(), 1);
    assert!(harness.is_shut(Upstream));
}

#[test]
fn nothing_is_published_once_the_end_has_begun() {
    let mut harness = Harness::new();
    harness
        .input(Downstream, &close(Downstream, 1000))
        .publish(Downstream)
        .publish(Upstream);
    assert_eq!(harness.ops(), [Op::Pass(Downstream, 8)]);
    let mut harness = Harness::new();
    harness
        .input(Upstream, &fragment(Upstream, TEXT, b"x"))
        .publish(Downstream);
    harness
        .input(Upstream, &close(Upstream, 1000))
        .input(Downstream, &close(Downstream, 1000));
    assert!(!harness.ops().contains(&Op::Publish(Downstream)));
}

#[test]
fn a_publish_does_not_delay_a_close() {
    let mut harness = Harness::new();
    let input = [
        fragment(Upstream, TEXT, b"x"),
        frame(Upstream, CONTINUATION, b"y"),
    ]
    .concat();
    harness
        .input(Upstream, &input[..2])
        .publish(Downstream)
        .close(CloseCode::GOING_AWAY);
    harness.input(Upstream, &input[2..]);
    assert_eq!(harness.out(Downstream)[..3], input[..3]);
    assert_eq!(harness.closed_with(Downstream), Some(1001));
}

#[test]
fn a_message_that_waits_is_dropped_when_the_client_leaves() {
    let mut harness = Harness::new();
    let story = [
        fragment(Upstream, TEXT, b"x"),
        frame(Upstream, CONTINUATION, b"y"),
    ]
    .concat();
    harness
        .input(Upstream, &story[..2])
        .publish(Downstream)
        .eof(Downstream);
    harness.input(Upstream, &[&story[2..], &story].concat());
    assert_eq!(harness.out(Downstream), [&story[..], &story].concat());
}
