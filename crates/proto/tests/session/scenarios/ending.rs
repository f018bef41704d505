//! Streams that end without a Close.

use switchyard_proto::CloseCode;
use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::session::{Cause, Initiator, Outcome};

use crate::frames::*;
use crate::harness::{Harness, Op};

fn ended(by: Side, cause: Cause) -> Outcome {
    Outcome {
        initiator: by.into(),
        code: CloseCode::ABNORMAL,
        cause,
        clean: false,
    }
}

#[test]
fn clients_of_a_lost_endpoint_are_told_to_come_again() {
    let mut harness = Harness::new();
    harness
        .input(Upstream, &frame(Upstream, TEXT, b"last"))
        .eof(Upstream);
    assert_eq!(harness.closed_with(Downstream), Some(1012));
    assert!(harness.is_shut(Upstream) && !harness.is_shut(Downstream));
    harness.input(Downstream, &frame(Downstream, TEXT, b"to nobody"));
    harness.input(Downstream, &close(Downstream, 1012));
    assert!(harness.is_shut(Downstream));
    harness.eof(Downstream);
    assert!(harness.out(Upstream).is_empty());
    assert_eq!(harness.outcome(), ended(Upstream, Cause::Eof));
}

#[test]
fn a_reset_endpoint_is_a_lost_one() {
    let mut harness = Harness::new();
    harness.reset(Upstream);
    assert_eq!(harness.closed_with(Downstream), Some(1012));
    harness
        .input(Downstream, &close(Downstream, 1012))
        .eof(Downstream);
    assert_eq!(harness.outcome(), ended(Upstream, Cause::Reset));
}

#[test]
fn an_endpoint_lost_in_mid_frame_is_a_fin() {
    for reset in [false, true] {
        let mut harness = Harness::new();
        let input = &frame(Upstream, TEXT, b"cut off")[..5];
        harness.input(Upstream, input);
        if reset {
            harness.reset(Upstream);
        } else {
            harness.eof(Upstream);
        }
        assert_eq!(harness.out(Downstream), input);
        assert!(harness.is_shut(Downstream));
    }
}

#[test]
fn a_withheld_header_does_not_count_as_mid_frame() {
    let mut harness = Harness::new();
    harness
        .input(Upstream, &frame(Upstream, TEXT, b"cut off")[..1])
        .eof(Upstream);
    assert_eq!(harness.closed_with(Downstream), Some(1012));
}

#[test]
fn upstream_sees_that_downstream_is_gone_and_may_finish() {
    let mut harness = Harness::new();
    harness.eof(Downstream);
    assert_eq!(harness.ops(), [Op::Shutdown(Upstream)]);
    let rest = frame(Upstream, TEXT, b"the rest");
    harness
        .input(Upstream, &rest)
        .input(Upstream, &close(Upstream, 1001));
    assert_eq!(harness.frames(Downstream).len(), 2);
    assert!(harness.is_shut(Downstream));
    harness.eof(Upstream);
    assert_eq!(harness.outcome(), ended(Downstream, Cause::Eof));
}

#[test]
fn two_half_closes_end_it() {
    let mut harness = Harness::new();
    harness.eof(Downstream).eof(Upstream);
    assert_eq!(
        harness.ops(),
        [Op::Shutdown(Upstream), Op::Shutdown(Downstream)]
    );
    assert_eq!(harness.outcome(), ended(Downstream, Cause::Eof));
}

#[test]
fn nothing_flows_to_a_reset_client() {
    let mut harness = Harness::new();
    harness.reset(Downstream);
    assert_eq!(harness.ops(), [Op::Shutdown(Upstream)]);
    assert!(!harness.session.wants_input(Downstream) && harness.session.discards(Upstream));
    harness
        .input(Upstream, &frame(Upstream, TEXT, b"to nobody"))
        .eof(Upstream);
    assert!(harness.out(Downstream).is_empty());
    assert_eq!(harness.outcome(), ended(Downstream, Cause::Reset));
}

#[test]
fn an_endpoint_that_drops_the_line_instead_of_answering_a_close() {
    for reset in [false, true] {
        let mut harness = Harness::new();
        harness.input(Downstream, &close(Downstream, 1000));
        if reset {
            harness.reset(Upstream);
        } else {
            harness.eof(Upstream);
        }
        assert!(harness.out(Downstream).is_empty());
        assert!(harness.is_shut(Downstream));
        harness.eof(Downstream);
        let outcome = harness.outcome();
        assert_eq!(outcome.initiator, Initiator::Downstream);
        assert_eq!((outcome.cause, outcome.clean), (Cause::CloseFrame, false));
        assert_eq!(outcome.code, CloseCode::NORMAL);
    }
}

#[test]
fn a_half_close_after_a_close_does_not_hurry_the_answer() {
    for first in Side::BOTH {
        let mut harness = Harness::new();
        harness.input(first, &close(first, 1000)).eof(first);
        assert!(!harness.is_shut(first) && !harness.is_shut(first.other()));
        harness.input(first.other(), &close(first.other(), 1000));
        assert_eq!(harness.closed_with(first), Some(1000));
        harness.eof(first.other());
        assert!(harness.outcome().clean);
    }
}

#[test]
fn a_reset_after_both_closes_is_clean() {
    let mut harness = Harness::new();
    harness.input(Downstream, &close(Downstream, 1000));
    harness.input(Upstream, &close(Upstream, 1000));
    harness.reset(Downstream).eof(Upstream);
    assert!(harness.outcome().clean);
    assert_eq!(harness.outcome().cause, Cause::CloseFrame);
}

#[test]
fn a_client_that_goes_during_a_drain_does_not_hurry_the_endpoint() {
    for reset in [false, true] {
        let mut harness = Harness::new();
        harness.close(CloseCode::GOING_AWAY);
        if reset {
            harness.reset(Downstream);
        } else {
            harness.eof(Downstream);
        }
        assert!(!harness.is_shut(Upstream));
        harness
            .input(Upstream, &close(Upstream, 1001))
            .eof(Upstream);
        assert_eq!(harness.outcome().cause, Cause::Drain);
        assert!(!harness.outcome().clean);
    }
}

#[test]
fn a_close_that_waits_for_a_boundary_gives_way_to_a_fin() {
    for from in Side::BOTH {
        let mut harness = Harness::new();
        harness.input(from, &frame(from, TEXT, b"cut off")[..8]);
        harness.close(CloseCode::GOING_AWAY).eof(from);
        assert_eq!(harness.out(from.other()).len(), 8);
        assert!(harness.is_shut(from.other()));
    }
}

#[test]
fn a_cut_ends_it_whatever_is_open() {
    let mut harness = Harness::new();
    harness.input(Upstream, &frame(Upstream, TEXT, b"cut off")[..4]);
    harness.cut(Cause::Shutdown);
    let outcome = harness.outcome();
    assert_eq!(
        (outcome.cause, outcome.initiator),
        (Cause::Shutdown, Initiator::Gateway)
    );
    assert_eq!(outcome.code, CloseCode::ABNORMAL);
    assert!(!harness.session.wants_input(Upstream));
    harness
        .input(Upstream, b"anything")
        .eof(Upstream)
        .reset(Downstream)
        .cut(Cause::Admin);
    assert_eq!(harness.outcome(), outcome);
}

#[test]
fn a_cut_does_not_hide_what_came_first() {
    let mut harness = Harness::new();
    harness
        .close(CloseCode::SERVICE_RESTART)
        .cut(Cause::DrainDeadline);
    assert_eq!(harness.outcome().cause, Cause::Drain);
    assert_eq!(harness.outcome().code, CloseCode::SERVICE_RESTART);
}
