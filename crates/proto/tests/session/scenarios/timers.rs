//! Deadlines.

use std::time::Duration;

use switchyard_proto::CloseCode;
use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::session::{Cause, Initiator, Policy, WaitReason};

use crate::frames::*;
use crate::harness::{CLOSE_TIMEOUT, Flush, Harness, policy};

const IDLE: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);
/// A second less.
const ALMOST_IDLE: Duration = Duration::from_secs(29);
const ALMOST_CLOSE: Duration = Duration::from_secs(4);

fn with_idle() -> Harness {
    let idle_timeout = Some(IDLE);
    Harness::with(Policy {
        idle_timeout,
        ..policy()
    })
}

#[test]
fn nothing_is_timed_without_an_idle_timeout() {
    let mut harness = Harness::new();
    harness.input(Downstream, &frame(Downstream, TEXT, b"x"));
    assert_eq!(harness.waits, (None, WaitReason::Input));
}

#[test]
fn a_session_that_is_published_to_is_not_idle() {
    let mut harness = with_idle();
    for to in [Downstream, Upstream] {
        harness.pass(ALMOST_IDLE).publish(to);
        assert_eq!(harness.waits, (Some(harness.now + IDLE), WaitReason::Idle));
        assert_eq!(harness.session.active(), harness.now);
    }
    harness.pass(IDLE);
    assert_eq!(harness.session.ending(), Some(Cause::IdleTimeout));
}

#[test]
fn an_idle_session_is_asked_to_go() {
    let mut harness = with_idle();
    harness
        .pass(SECOND)
        .input(Downstream, &frame(Downstream, TEXT, b"x"));
    assert_eq!(harness.waits, (Some(harness.now + IDLE), WaitReason::Idle));
    harness.pass(ALMOST_IDLE);
    assert_eq!(harness.closed_with(Downstream), None);
    harness.pass(SECOND);
    for to in Side::BOTH {
        assert_eq!(harness.closed_with(to), Some(1001));
    }
    for from in Side::BOTH {
        harness.input(from, &close(from, 1001)).eof(from);
    }
    let outcome = harness.outcome();
    assert_eq!(
        (outcome.cause, outcome.initiator),
        (Cause::IdleTimeout, Initiator::Gateway)
    );
    assert!(outcome.clean);
}

#[test]
fn pings_do_not_keep_a_session() {
    let mut harness = with_idle();
    harness.pass(IDLE / 2);
    harness
        .input(Downstream, &frame(Downstream, PING, b""))
        .input(Upstream, &frame(Upstream, PONG, b""));
    harness.pass(IDLE / 2);
    assert_eq!(harness.closed_with(Downstream), Some(1001));
}

#[test]
fn payload_on_its_way_keeps_a_session() {
    let mut harness = with_idle();
    let input = frame(Upstream, TEXT, b"slowly");
    for byte in &input {
        harness.input(Upstream, &[*byte]).pass(ALMOST_IDLE);
    }
    assert_eq!(harness.out(Downstream), input);
}

#[test]
fn a_message_keeps_a_session_whatever_comes_behind_it() {
    let mut harness = with_idle();
    let message = frame(Upstream, TEXT, b"first");
    for _ in 0..3 {
        harness.pass(ALMOST_IDLE);
        harness.input(
            Upstream,
            &[&message[..], &frame(Upstream, PING, b"")].concat(),
        );
    }
    assert_eq!(harness.closed_with(Downstream), None);
}

#[test]
fn a_close_that_nobody_answers_is_waited_for_once() {
    let mut harness = Harness::new();
    harness.close(CloseCode::GOING_AWAY).pass(ALMOST_CLOSE);
    assert_eq!(harness.outcome, None);
    harness.pass(SECOND);
    assert_eq!(harness.outcome().cause, Cause::Drain);
    assert!(!harness.outcome().clean);
}

#[test]
fn a_frame_that_does_not_end_is_waited_for_once() {
    for from in Side::BOTH {
        let mut harness = Harness::new();
        harness
            .input(from, &frame(from, TEXT, b"never ends")[..7])
            .close(CloseCode::GOING_AWAY);
        harness
            .input(from.other(), &close(from.other(), 1001))
            .pass(CLOSE_TIMEOUT);
        assert_eq!(harness.outcome().cause, Cause::Drain);
    }
}

#[test]
fn a_peer_that_goes_on_talking_is_not_waited_for_longer() {
    let mut harness = Harness::new();
    harness.input(Downstream, &close(Downstream, 1000));
    for _ in 0..5 {
        assert_eq!(harness.outcome, None);
        harness
            .input(Upstream, &frame(Upstream, TEXT, b"and"))
            .pass(SECOND);
    }
    assert_eq!(harness.outcome().cause, Cause::CloseFrame);
    assert_eq!(harness.frames(Downstream).len(), 5);
}

#[test]
fn a_half_closed_client_is_given_the_rest_for_a_while() {
    let mut harness = Harness::new();
    harness.eof(Downstream).pass(CLOSE_TIMEOUT);
    assert_eq!(harness.outcome().cause, Cause::Eof);
}

#[test]
fn the_ends_of_the_streams_have_a_timeout_of_their_own() {
    let mut harness = Harness::new();
    harness
        .input(Downstream, &close(Downstream, 1000))
        .pass(SECOND * 4);
    harness.input(Upstream, &close(Upstream, 1000));
    assert_eq!(
        harness.waits,
        (Some(harness.now + CLOSE_TIMEOUT), WaitReason::Eof)
    );
    harness.pass(ALMOST_CLOSE);
    assert_eq!(harness.outcome, None);
    harness.pass(SECOND);
    assert!(harness.outcome().clean);
}

#[test]
fn a_side_that_cannot_be_written_to_is_waited_for_once() {
    let mut harness = Harness::new();
    harness.flush = Flush::Never;
    for from in Side::BOTH {
        harness.input(from, &close(from, 1000)).eof(from);
    }
    assert_eq!(harness.outcome, None);
    harness.flushed(Upstream).pass(ALMOST_CLOSE);
    assert_eq!(harness.outcome, None);
    harness.pass(SECOND);
    assert!(harness.outcome().clean);
}

#[test]
fn the_last_flush_finishes() {
    let mut harness = Harness::new();
    harness.flush = Flush::Never;
    for from in Side::BOTH {
        harness.input(from, &close(from, 1000)).eof(from);
    }
    harness.flushed(Downstream).flushed(Downstream);
    assert_eq!(harness.outcome, None);
    harness.flushed(Upstream);
    assert!(harness.outcome().clean);
}

#[test]
fn a_flush_without_a_shutdown_means_nothing() {
    let mut harness = Harness::new();
    harness
        .flushed(Upstream)
        .input(Downstream, &close(Downstream, 1000));
    let until = harness.waits.0;
    harness.pass(SECOND).flushed(Downstream).flushed(Upstream);
    assert_eq!(harness.waits, (until, WaitReason::Close));
}

#[test]
fn early_timeouts_do_nothing() {
    let mut harness = with_idle();
    harness.session.handle_timeout(harness.now);
    harness.close(CloseCode::GOING_AWAY);
    harness.session.handle_timeout(harness.now);
    assert_eq!(harness.pass(SECOND).outcome, None);
}

#[test]
fn timeouts_beyond_all_time_are_no_timeouts() {
    let mut harness = Harness::with(Policy {
        idle_timeout: Some(Duration::MAX),
        close_timeout: Duration::MAX,
        ..policy()
    });
    harness
        .close(CloseCode::GOING_AWAY)
        .pass(Duration::from_secs(1 << 30));
    assert_eq!(harness.outcome, None);
}
