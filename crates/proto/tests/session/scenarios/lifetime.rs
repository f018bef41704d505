//! A session that lives as long as its route lets it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{
    Cause, Initiator, Lifetime, Output, Pings, Policy, Session, WaitReason,
};
use switchyard_proto::{Close, CloseCode};

use crate::frames::*;
use crate::harness::{CLOSE_TIMEOUT, Harness, policy};

const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);
/// A second less.
const ALMOST_HOUR: Duration = Duration::from_secs(3599);

fn limited() -> Policy {
    let max_lifetime = Some(Lifetime {
        after: HOUR,
        jitter: Duration::ZERO,
        close: Close::new(CloseCode::GOING_AWAY, "max lifetime").unwrap(),
    });
    Policy {
        max_lifetime,
        ..policy()
    }
}

/// A session that has a second to live.
fn old() -> Harness {
    let mut harness = Harness::with(limited());
    harness.pass(ALMOST_HOUR);
    harness
}

#[test]
fn both_are_asked_to_go_however_busy_they_are() {
    let mut harness = old();
    assert_eq!(harness.waits.1, WaitReason::Lifetime);
    for from in Side::BOTH {
        harness.input(from, &frame(from, TEXT, b"busy"));
        assert_eq!(harness.closed_with(from), None);
    }
    harness.pass(SECOND);
    for to in Side::BOTH {
        assert_eq!(harness.closed_with(to), Some(1001));
    }
    for from in Side::BOTH {
        harness.input(from, &close(from, 1001)).eof(from);
    }
    let outcome = harness.outcome();
    assert_eq!(outcome.cause, Cause::MaxLifetime);
    assert_eq!(outcome.cause.reason(), "max_lifetime");
    assert_eq!(outcome.initiator, Initiator::Gateway);
    assert_eq!(outcome.code, CloseCode::GOING_AWAY);
    assert!(outcome.clean);
}

#[test]
fn a_message_that_has_begun_is_let_through() {
    let mut harness = old();
    let first = fragment(Upstream, TEXT, b"once upon");
    let rest = [
        frame(Upstream, PING, b""),
        frame(Upstream, CONTINUATION, b" a time"),
    ]
    .concat();
    harness.input(Upstream, &first).pass(SECOND);
    assert_eq!(harness.closed_with(Upstream), Some(1001));
    assert_eq!(harness.out(Downstream), first);
    let next = frame(Upstream, TEXT, b"never");
    harness.input(Upstream, &[&rest[..], &next].concat());
    assert!(
        harness
            .out(Downstream)
            .starts_with(&[&first[..], &rest].concat())
    );
    assert_eq!(harness.closed_with(Downstream), Some(1001));
    assert_eq!(harness.frames(Downstream).len(), 4);
}

#[test]
fn a_message_that_does_not_end_is_cut_after_the_close_timeout() {
    let mut harness = old();
    harness
        .input(Upstream, &fragment(Upstream, TEXT, b"once"))
        .pass(SECOND);
    for _ in 0..4 {
        harness
            .input(Upstream, &fragment(Upstream, CONTINUATION, b" and"))
            .pass(SECOND);
    }
    assert_eq!(harness.outcome, None);
    harness.pass(SECOND);
    assert_eq!(harness.outcome().cause, Cause::MaxLifetime);
    assert!(!harness.outcome().clean);
}

#[test]
fn the_rest_of_a_message_is_not_waited_for_where_none_comes() {
    let begun = |harness: &mut Harness| {
        harness
            .input(Upstream, &fragment(Upstream, TEXT, b"once"))
            .pass(SECOND);
        assert_eq!(harness.closed_with(Downstream), None);
    };
    let mut harness = old();
    begun(&mut harness);
    harness.input(Upstream, &frame(Upstream, TEXT, b"an offence"));
    assert_eq!(harness.closed_with(Downstream), Some(1001));
    let mut harness = old();
    begun(&mut harness);
    harness.eof(Upstream);
    assert_eq!(harness.closed_with(Downstream), Some(1001));
    let mut harness = old();
    begun(&mut harness);
    harness.input(Upstream, &close(Upstream, 4000));
    assert_eq!(harness.closed_with(Downstream), Some(4000));
}

#[test]
fn a_peer_that_does_not_answer_is_waited_for_once() {
    let mut harness = old();
    harness.pass(SECOND).pass(SECOND * 4);
    assert_eq!(harness.outcome, None);
    harness.pass(SECOND);
    assert_eq!(harness.outcome().cause, Cause::MaxLifetime);
}

#[test]
fn what_has_begun_to_end_is_not_ended_again() {
    let mut harness = old();
    harness
        .input(Downstream, &close(Downstream, 1000))
        .pass(SECOND);
    harness
        .eof(Downstream)
        .input(Upstream, &close(Upstream, 1000))
        .eof(Upstream);
    assert_eq!(harness.outcome().cause, Cause::CloseFrame);
}

#[test]
fn the_close_is_the_one_that_was_asked_for() {
    let mut policy = limited();
    policy.max_lifetime.as_mut().unwrap().close = CloseCode::SERVICE_RESTART.into();
    let mut harness = Harness::with(policy);
    harness.pass(HOUR);
    assert_eq!(harness.closed_with(Upstream), Some(1012));
    harness.pass(CLOSE_TIMEOUT);
    assert_eq!(harness.outcome().code, CloseCode::SERVICE_RESTART);
}

#[test]
fn pings_go_on_for_a_life() {
    let pings = Some(Pings {
        interval: HOUR * 2 / 3,
        timeout: HOUR,
    });
    let mut harness = Harness::with(Policy { pings, ..limited() });
    harness.pass(HOUR * 2 / 3);
    assert!(harness.pong(Downstream).is_some());
    assert_eq!(harness.waits.1, WaitReason::Lifetime);
    harness.pass(HOUR);
    assert_eq!(harness.outcome().cause, Cause::MaxLifetime);
}

#[test]
fn lives_are_shorter_at_random_and_never_longer() {
    let mut policy = limited();
    policy.max_lifetime.as_mut().unwrap().jitter = HOUR / 10;
    let (policy, now) = (Arc::new(policy), Instant::now());
    let life = |random: u64| {
        let mut session = Session::new(Arc::clone(&policy), Deflate::Off, || random, now);
        let Output::Wait { until, .. } = session.poll_output() else {
            panic!("it waits");
        };
        until.unwrap() - now
    };
    assert_eq!(life(0), HOUR);
    let shortest = HOUR * 9 / 10;
    assert!((shortest..shortest + SECOND).contains(&life(u64::MAX)));
    let middle = life(u64::MAX / 2);
    assert!((HOUR * 94 / 100..HOUR * 96 / 100).contains(&middle));
}

#[test]
fn a_life_beyond_all_time_does_not_end() {
    let mut policy = limited();
    policy.max_lifetime.as_mut().unwrap().after = Duration::MAX;
    let harness = Harness::with(policy);
    assert_eq!(harness.waits, (None, WaitReason::Input));
}
