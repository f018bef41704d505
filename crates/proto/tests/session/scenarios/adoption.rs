//! Other limits for a session that is under way.

use std::time::Duration;

use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::session::{Cause, Lifetime, Pings, Policy, WaitReason};
use switchyard_proto::{CloseCode, Violation};

use crate::frames::*;
use crate::harness::{CLOSE_TIMEOUT, Harness, policy};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn pinging() -> Policy {
    let pings = Some(Pings {
        interval: MINUTE,
        timeout: SECOND,
    });
    Policy { pings, ..policy() }
}

fn living(after: Duration, jitter: Duration) -> Policy {
    let max_lifetime = Some(Lifetime {
        after,
        jitter,
        close: CloseCode::GOING_AWAY.into(),
    });
    Policy {
        max_lifetime,
        ..policy()
    }
}

fn small(limit: u64) -> Policy {
    Policy {
        max_message: Some(limit),
        max_frame: Some(limit),
        ..policy()
    }
}

#[test]
fn a_frame_that_has_begun_is_let_through_and_the_next_is_held_against_the_limit() {
    let mut harness = Harness::new();
    let message = frame(Downstream, TEXT, &[b'x'; 200]);
    harness.input(Downstream, &message[..100]).adopt(small(100));
    harness.input(Downstream, &message[100..]);
    assert_eq!(harness.closed_with(Upstream), None);
    harness.input(Downstream, &message);
    assert_eq!(harness.closed_with(Downstream), Some(1009));
    for from in Side::BOTH {
        harness.input(from, &close(from, 1009)).eof(from);
    }
    assert!(matches!(
        harness.outcome().cause,
        Cause::Violation(Violation::FrameTooBig)
    ));
}

#[test]
fn a_message_that_has_begun_is_held_against_the_limit_with_its_next_frame() {
    let mut harness = Harness::new();
    harness.input(Downstream, &fragment(Downstream, TEXT, &[b'x'; 90]));
    harness.adopt(small(100));
    harness.input(Downstream, &frame(Downstream, CONTINUATION, &[b'x'; 90]));
    assert_eq!(harness.closed_with(Downstream), Some(1009));
}

#[test]
fn an_idle_timeout_counts_from_the_last_message() {
    let mut harness = Harness::new();
    harness.pass(MINUTE);
    harness.adopt(Policy {
        idle_timeout: Some(MINUTE + SECOND),
        ..policy()
    });
    assert_eq!(harness.waits.1, WaitReason::Idle);
    harness.pass(SECOND);
    assert_eq!(harness.closed_with(Downstream), Some(1001));
}

#[test]
fn pings_begin_when_they_are_asked_for() {
    let mut harness = Harness::new();
    harness.pass(MINUTE).adopt(pinging()).pass(MINUTE);
    for side in Side::BOTH {
        assert!(harness.frames(side).iter().any(Frame::is_own_ping));
        harness.answer(side);
    }
    assert_eq!(harness.seen.answers.len(), 2);
}

#[test]
fn a_pong_that_is_under_way_goes_no_further_when_pings_have_ended() {
    let mut harness = Harness::with(pinging());
    harness.pass(MINUTE).adopt(policy());
    let before = harness.out(Upstream).len();
    harness.answer(Downstream).pass(MINUTE * 60);
    assert_eq!(harness.out(Upstream).len(), before);
    assert!(harness.outcome.is_none());
    assert_eq!(harness.waits, (None, WaitReason::Input));
}

#[test]
fn a_life_is_counted_from_its_beginning() {
    let mut harness = Harness::new();
    harness
        .pass(MINUTE)
        .adopt(living(MINUTE * 2, Duration::ZERO));
    harness.pass(SECOND * 59);
    assert_eq!(harness.closed_with(Downstream), None);
    harness.pass(SECOND);
    assert_eq!(harness.closed_with(Downstream), Some(1001));
}

#[test]
fn a_life_that_is_over_ends_within_the_jitter_from_now_on() {
    let mut harness = Harness::new();
    harness.pass(MINUTE * 10).adopt(living(MINUTE, MINUTE));
    let (until, reason) = harness.waits;
    assert_eq!(reason, WaitReason::Lifetime);
    let left = until.unwrap().duration_since(harness.now);
    assert!(left > Duration::ZERO && left < MINUTE, "{left:?}");
    harness.pass(MINUTE);
    assert_eq!(harness.closed_with(Downstream), Some(1001));
}

#[test]
fn a_life_without_an_end_any_more_goes_on() {
    let mut harness = Harness::with(living(MINUTE, Duration::ZERO));
    harness.adopt(policy()).pass(MINUTE * 2);
    assert_eq!(harness.closed_with(Downstream), None);
}

#[test]
fn nothing_is_adopted_once_the_end_has_begun() {
    let mut harness = Harness::new();
    harness.close(CloseCode::SERVICE_RESTART).adopt(Policy {
        close_timeout: MINUTE * 60,
        ..policy()
    });
    harness.pass(CLOSE_TIMEOUT * 2);
    assert!(harness.outcome.is_some());
}
