//! What happens to input while nothing else does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_proto::Side::{Downstream, Upstream};
use switchyard_proto::frame::OpCode;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{Cause, MessageKind, Output, Session, Traffic};

use crate::frames::*;
use crate::harness::{Harness, Op, policy};

#[test]
fn any_number_of_frames_is_one_pass() {
    let mut input = Vec::new();
    for len in [0, 1, 125, 126, 70_000] {
        input.extend(frame(Downstream, BINARY, &vec![7; len]));
        input.extend(frame(Downstream, PING, b"?"));
    }
    input.extend(&frame(Downstream, TEXT, b"cut off")[..9]);
    let mut harness = Harness::new();
    assert_eq!(
        harness.input(Downstream, &input).ops(),
        [Op::Pass(Downstream, input.len())]
    );
    assert_eq!(harness.out(Upstream), input);
}

#[test]
fn a_cut_header_waits_for_its_rest() {
    let mut harness = Harness::new();
    let input = [
        frame(Downstream, TEXT, b"one"),
        frame(Downstream, TEXT, b"two"),
    ]
    .concat();
    harness.input(Downstream, &input[..11]);
    assert_eq!(
        harness.ops(),
        [Op::Pass(Downstream, 9), Op::Skip(Downstream, 2)]
    );
    harness.input(Downstream, &input[11..]);
    assert_eq!(
        harness.ops(),
        [Op::Send(Upstream, 2), Op::Pass(Downstream, 7)]
    );
    assert_eq!(harness.out(Upstream), input);
}

#[test]
fn what_passes_is_counted() {
    let mut harness = Harness::new();
    let input = [
        fragment(Upstream, TEXT, b"He"),
        frame(Upstream, PING, b"?"),
        frame(Upstream, CONTINUATION, b"llo"),
        frame(Upstream, BINARY, b"x"),
        frame(Upstream, BINARY, b"unfinished"),
    ]
    .concat();
    let input = &input[..input.len() - 1];
    harness.input(Upstream, input);
    let sizes = harness.seen.frames.iter().map(|frame| (frame.1, frame.2));
    assert!(sizes.eq([
        (OpCode::Text, 2),
        (OpCode::Ping, 1),
        (OpCode::Continuation, 3),
        (OpCode::Binary, 1),
        (OpCode::Binary, 10),
    ]));
    assert_eq!(
        harness.seen.messages,
        [
            (Upstream, MessageKind::Text, 5),
            (Upstream, MessageKind::Binary, 1)
        ]
    );
    let expected = Traffic {
        bytes: input.len() as u64,
        messages: 2,
        largest_message: 5,
    };
    assert_eq!(harness.session.traffic(Upstream), expected);
    assert_eq!(harness.session.traffic(Downstream), Traffic::default());
}

#[test]
fn input_waits_until_the_plan_is_polled() {
    let now = Instant::now();
    let mut session = Session::new(Arc::new(policy()), Deflate::Off, || 0, now);
    let input = frame(Upstream, TEXT, b"x");
    assert_eq!(session.handle_input(Upstream, &input, now, &mut ()), 3);
    assert_eq!(session.handle_input(Upstream, &input, now, &mut ()), 0);
    assert_eq!(
        session.poll_output(),
        Output::Pass {
            from: Upstream,
            len: 3
        }
    );
    assert_eq!(session.handle_input(Upstream, &input, now, &mut ()), 3);
}

#[test]
fn no_input_is_no_sign_of_life() {
    let opened = Instant::now();
    let mut session = Session::new(Arc::new(policy()), Deflate::Off, || 0, opened);
    let later = opened + Duration::from_secs(1);
    assert_eq!(session.handle_input(Upstream, b"", later, &mut ()), 0);
    assert_eq!(session.active(), opened);
    assert!(matches!(session.poll_output(), Output::Wait { .. }));
}

#[test]
fn a_cut_takes_back_what_was_planned() {
    let now = Instant::now();
    let mut session = Session::new(Arc::new(policy()), Deflate::Off, || 0, now);
    let input = frame(Upstream, TEXT, b"x");
    assert_eq!(session.handle_input(Upstream, &input, now, &mut ()), 3);
    session.handle_cut(Cause::Drain);
    assert!(matches!(session.poll_output(), Output::Finished(_)));
}

#[test]
fn compressed_messages_pass_where_that_was_agreed() {
    let now = Instant::now();
    let input = raw(Downstream, 0xc1, b"squeezed");
    let mut session = Session::new(Arc::new(policy()), Deflate::On, || 0, now);
    let used = session.handle_input(Downstream, &input, now, &mut ());
    assert_eq!(
        session.poll_output(),
        Output::Pass {
            from: Downstream,
            len: used
        }
    );
    let mut harness = Harness::new();
    assert_eq!(
        harness.input(Downstream, &input).closed_with(Downstream),
        Some(1002)
    );
}
