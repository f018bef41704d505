//! The gateway's own Pings: when a side is sent one, what becomes of its Pong, and of a side that
//! gives no sign of life.

use std::time::Duration;

use switchyard_proto::CloseCode;
use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::session::{Cause, Initiator, Pings, Policy, WaitReason};

use crate::frames::*;
use crate::harness::{CLOSE_TIMEOUT, Harness, Op, policy, published};

const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(10);
const ALMOST_INTERVAL: Duration = Duration::from_secs(29);
const ALMOST_TIMEOUT: Duration = Duration::from_secs(9);

/// A Ping of 8 bytes for a side.
fn ping_len(to: Side) -> usize {
    match to {
        Downstream => 10,
        Upstream => 14,
    }
}

fn pinging() -> Policy {
    let pings = Some(Pings {
        interval: INTERVAL,
        timeout: TIMEOUT,
    });
    Policy { pings, ..policy() }
}

fn session() -> Harness {
    Harness::with(pinging())
}

/// How many Pings of the gateway a side was sent.
fn pings(harness: &Harness, to: Side) -> usize {
    let frames = harness.frames(to);
    frames.iter().filter(|frame| frame.is_own_ping()).count()
}

/// A session of which only `side` is quiet.
fn quiet(side: Side) -> Harness {
    let mut harness = session();
    harness.pass(ALMOST_INTERVAL);
    let other = side.other();
    harness
        .input(other, &frame(other, TEXT, b"busy"))
        .pass(SECOND);
    harness
}

#[test]
fn a_quiet_side_is_pinged_each_for_itself() {
    for side in Side::BOTH {
        let harness = quiet(side);
        assert_eq!(pings(&harness, side), 1);
        assert_eq!(pings(&harness, side.other()), 0);
        let ping = harness.frames(side).pop().unwrap();
        assert_eq!(ping.masked, side == Upstream);
        assert_eq!(ping.first, 0x80 | PING);
    }
}

#[test]
fn without_an_interval_nobody_is_pinged() {
    let mut harness = Harness::new();
    harness.pass(INTERVAL * 100);
    assert_eq!(harness.ops(), []);
    assert_eq!(harness.waits, (None, WaitReason::Input));
}

#[test]
fn a_busy_side_is_not_pinged() {
    let mut harness = session();
    for _ in 0..10 {
        harness.pass(ALMOST_INTERVAL);
        for from in Side::BOTH {
            harness.input(from, &frame(from, PONG, b"any byte will do")[..1]);
        }
        let [down, up] = Side::BOTH.map(|side| pings(&harness, side));
        assert_eq!((down, up), (0, 0));
        for from in Side::BOTH {
            harness.input(from, &frame(from, PONG, b"any byte will do")[1..]);
        }
    }
}

#[test]
fn a_pong_is_swallowed_and_measured() {
    for side in Side::BOTH {
        let mut harness = quiet(side);
        harness.pass(Duration::from_millis(250));
        let before = harness.out(side.other()).len();
        let pong = harness.pong(side).unwrap();
        harness.ops();
        harness.input(side, &pong);
        assert_eq!(harness.ops(), [Op::Skip(side, pong.len())]);
        assert_eq!(harness.out(side.other()).len(), before);
        let rtt = Duration::from_millis(250);
        assert_eq!(harness.seen.answers, [(side, rtt)]);
        assert_eq!(harness.session.ping_rtt(side), Some(rtt));
        assert_eq!(harness.session.ping_rtt(side.other()), None);
        assert!(harness.seen.frames.iter().all(|frame| frame.0 != side));
    }
}

#[test]
fn a_pong_between_other_frames_is_taken_out() {
    for side in Side::BOTH {
        let mut harness = quiet(side);
        let before = harness.out(side.other()).len();
        let pong = harness.pong(side).unwrap();
        let first = [frame(side, PONG, b"own"), fragment(side, TEXT, b"once ")].concat();
        let last = [
            frame(side, CONTINUATION, b"upon"),
            frame(side, TEXT, b"a time"),
        ]
        .concat();
        harness.input(side, &[&first[..], &pong, &last].concat());
        let written = &harness.out(side.other())[before..];
        assert_eq!(written, [first, last].concat());
        assert_eq!(harness.seen.answers.len(), 1);
    }
}

#[test]
fn a_pong_in_pieces_is_taken_out() {
    for side in Side::BOTH {
        let len = ping_len(side.other());
        for cut in 1..len {
            let mut harness = quiet(side);
            let before = harness.out(side.other()).len();
            let pong = harness.pong(side).unwrap();
            assert_eq!(pong.len(), len);
            let next = frame(side, TEXT, b"next");
            harness.input(side, &pong[..cut]);
            harness.input(side, &[&pong[cut..], &next].concat());
            assert_eq!(&harness.out(side.other())[before..], next, "cut at {cut}");
            assert_eq!(harness.seen.answers.len(), 1);
        }
    }
}

#[test]
fn pongs_and_pings_of_the_peers_pass() {
    for side in Side::BOTH {
        let mut harness = quiet(side);
        let before = harness.out(side.other()).len();
        let payload = harness.frames(side).pop().unwrap().payload;
        let longer = [&payload[..], b"+"].concat();
        let others = [
            frame(side, PONG, b""),
            frame(side, PONG, &payload[..7]),
            frame(side, PONG, &longer),
            frame(side, PONG, &[0; 8]),
            frame(side, PING, &payload),
            frame(side, PING, b"ours"),
        ]
        .concat();
        harness.input(side, &others);
        assert_eq!(&harness.out(side.other())[before..], others);
        assert_eq!(harness.seen.answers, []);
        let pong = frame(side.other(), PONG, &payload);
        let length = harness.out(side).len();
        harness.input(side.other(), &pong);
        assert_eq!(
            harness.out(side)[length..],
            pong,
            "an answer to another's Ping"
        );
    }
}

#[test]
fn a_second_answer_is_the_peers_own_affair() {
    let mut harness = quiet(Downstream);
    let pong = harness.pong(Downstream).unwrap();
    harness.input(Downstream, &pong);
    let before = harness.out(Upstream).len();
    harness.input(Downstream, &pong);
    assert_eq!(harness.out(Upstream)[before..], pong);
}

#[test]
fn each_ping_has_a_payload_of_its_own() {
    let mut harness = session();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        harness.pass(INTERVAL);
        for side in Side::BOTH {
            assert!(seen.insert(harness.frames(side).pop().unwrap().payload));
            harness.answer(side);
        }
    }
    assert_eq!(seen.len(), 40);
}

#[test]
fn a_ping_waits_for_the_end_of_a_frame() {
    let mut harness = session();
    let story = fragment(Upstream, TEXT, b"once upon");
    let rest = frame(Upstream, CONTINUATION, b" a time");
    harness.pass(ALMOST_INTERVAL).input(Upstream, &story[..5]);
    harness.pass(SECOND);
    assert_eq!(harness.out(Downstream), &story[..5]);
    harness.ops();
    harness.input(Upstream, &[&story[5..], &rest].concat());
    assert_eq!(
        harness.ops(),
        [
            Op::Pass(Upstream, 6),
            Op::Send(Downstream, 10),
            Op::Pass(Upstream, rest.len()),
        ]
    );
    assert!(harness.frames(Downstream)[1].is_own_ping());
}

#[test]
fn a_ping_goes_between_two_messages_that_came_together() {
    let mut harness = session();
    let (first, second) = (
        frame(Upstream, TEXT, b"once"),
        frame(Upstream, TEXT, b"twice"),
    );
    harness.pass(ALMOST_INTERVAL).input(Upstream, &first[..5]);
    harness.pass(SECOND);
    harness.ops();
    harness.input(Upstream, &[&first[5..], &second].concat());
    assert_eq!(
        harness.ops(),
        [
            Op::Pass(Upstream, first.len() - 5),
            Op::Send(Downstream, 10),
            Op::Pass(Upstream, second.len()),
        ]
    );
}

#[test]
fn the_time_of_a_ping_that_has_to_wait_begins_when_it_goes() {
    let mut harness = session();
    let story = frame(Upstream, TEXT, b"long");
    harness.input(Upstream, &story[..3]);
    for byte in 3..story.len() {
        harness.pass(ALMOST_INTERVAL);
        harness.input(Upstream, &story[byte..=byte]);
    }
    assert_eq!(pings(&harness, Downstream), 1);
    harness.pass(ALMOST_TIMEOUT);
    assert_eq!(harness.outcome, None);
    harness.answer(Downstream);
    assert_eq!(harness.session.ping_rtt(Downstream), Some(ALMOST_TIMEOUT));
}

#[test]
fn a_side_that_speaks_before_its_ping_could_go_is_not_pinged() {
    let mut harness = session();
    let story = frame(Upstream, TEXT, b"once upon");
    harness.pass(ALMOST_INTERVAL).input(Upstream, &story[..5]);
    harness.pass(SECOND);
    harness.input(Downstream, &frame(Downstream, TEXT, b"hello"));
    harness.input(Upstream, &story[5..]);
    assert_eq!(pings(&harness, Downstream), 0);
}

#[test]
fn a_ping_does_not_wait_for_a_message_and_goes_before_one_that_does() {
    let mut harness = session();
    harness
        .pass(ALMOST_INTERVAL)
        .input(Upstream, &fragment(Upstream, TEXT, b"x"));
    harness.publish(Downstream).pass(SECOND);
    assert_eq!(pings(&harness, Downstream), 1);
    harness.input(Upstream, &frame(Upstream, CONTINUATION, b"y"));
    assert!(harness.out(Downstream).ends_with(&published(Downstream)));
}

#[test]
fn there_is_one_ping_at_a_time() {
    let mut harness = quiet(Downstream);
    for _ in 0..100 {
        harness.pass(ALMOST_TIMEOUT);
        harness.input(Downstream, &frame(Downstream, TEXT, b"no Pong"));
        harness.input(Upstream, &frame(Upstream, TEXT, b"busy"));
    }
    assert_eq!(pings(&harness, Downstream), 1);
    assert_eq!(harness.outcome, None);
    harness.answer(Downstream).pass(INTERVAL);
    assert_eq!(pings(&harness, Downstream), 2);
}

#[test]
fn anything_that_is_read_is_a_sign_of_life() {
    let mut harness = quiet(Downstream);
    harness.pass(ALMOST_TIMEOUT);
    let story = frame(Downstream, BINARY, &[7; 50]);
    for byte in &story {
        harness.input(Downstream, &[*byte]).pass(ALMOST_TIMEOUT);
        harness.input(Upstream, &frame(Upstream, TEXT, b"busy"));
    }
    assert_eq!(harness.outcome, None);
    assert!(!harness.session.discards(Downstream));
    harness.pass(SECOND);
    assert!(harness.session.discards(Downstream));
}

#[test]
fn a_lost_endpoint_is_dropped_and_its_client_told_to_come_again() {
    let mut harness = quiet(Upstream);
    harness.pass(ALMOST_TIMEOUT);
    harness.input(Downstream, &frame(Downstream, TEXT, b"busy"));
    assert_eq!(harness.closed_with(Downstream), None);
    harness.pass(SECOND);
    assert_eq!(harness.closed_with(Downstream), Some(1012));
    assert!(harness.session.discards(Downstream));
    assert!(!harness.session.wants_input(Upstream));
    harness
        .input(Downstream, &close(Downstream, 1012))
        .eof(Downstream);
    let outcome = harness.outcome();
    assert_eq!(outcome.cause, Cause::PingTimeout(Upstream));
    assert_eq!(outcome.cause.reason(), "ping_timeout");
    assert_eq!(outcome.initiator, Initiator::Gateway);
    assert_eq!(outcome.code, CloseCode::ABNORMAL);
    assert!(!outcome.clean);
    assert!(!harness.is_shut(Upstream));
}

#[test]
fn the_endpoint_of_a_lost_client_is_told_so() {
    let mut harness = quiet(Downstream);
    harness.pass(ALMOST_TIMEOUT);
    harness.input(Upstream, &frame(Upstream, TEXT, b"busy"));
    harness.pass(SECOND);
    assert_eq!(harness.closed_with(Upstream), Some(1001));
    let said = harness.frames(Upstream).pop().unwrap();
    assert_eq!(crate::harness::reason(&said), "ping_timeout");
    harness
        .input(Upstream, &close(Upstream, 1001))
        .eof(Upstream);
    let outcome = harness.outcome();
    assert_eq!(outcome.cause, Cause::PingTimeout(Downstream));
    assert_eq!(harness.closed_with(Downstream), None);
}

#[test]
fn a_lost_side_is_not_waited_for_and_the_other_not_for_ever() {
    for dead in Side::BOTH {
        let mut harness = quiet(dead);
        harness.pass(ALMOST_TIMEOUT);
        let other = dead.other();
        harness.input(other, &frame(other, TEXT, b"busy"));
        harness.pass(SECOND).pass(CLOSE_TIMEOUT);
        assert_eq!(harness.outcome().cause, Cause::PingTimeout(dead));
    }
}

#[test]
fn a_frame_that_a_lost_side_did_not_end_is_cut_off() {
    for dead in Side::BOTH {
        let mut harness = session();
        let other = dead.other();
        harness.input(dead, &frame(dead, TEXT, b"half of this")[..8]);
        for _ in 0..4 {
            harness.pass(TIMEOUT);
            harness.input(other, &frame(other, TEXT, b"busy"));
        }
        assert!(harness.is_shut(other));
        assert_eq!(harness.closed_with(other), None);
        harness.eof(other);
        assert_eq!(harness.outcome().cause, Cause::PingTimeout(dead));
    }
}

#[test]
fn nobody_is_pinged_or_given_up_while_something_cannot_be_written() {
    for slow in Side::BOTH {
        let mut harness = session();
        harness.pass(ALMOST_INTERVAL).blocked(slow);
        assert_eq!(harness.waits, (None, WaitReason::Input));
        harness.pass(INTERVAL * 100);
        assert_eq!(harness.ops(), []);
        harness.flushed(slow).pass(ALMOST_INTERVAL);
        assert_eq!(harness.ops(), []);
        harness.pass(SECOND);
        assert_eq!(harness.ops().len(), 2);
        harness.blocked(slow).pass(INTERVAL * 100);
        assert_eq!(harness.outcome, None);
        harness.flushed(slow).pass(ALMOST_TIMEOUT);
        assert!(!harness.session.discards(Downstream));
        harness.pass(SECOND);
        assert!(harness.session.discards(Downstream));
    }
}

#[test]
fn both_have_to_be_written_to_again() {
    let mut harness = session();
    harness.blocked(Downstream).blocked(Upstream);
    harness.flushed(Downstream).pass(INTERVAL * 10);
    assert_eq!(harness.ops(), []);
    harness.flushed(Upstream).pass(INTERVAL);
    assert_eq!(harness.ops().len(), 2);
}

#[test]
fn a_flush_of_what_was_not_blocked_is_no_sign_of_life() {
    let mut harness = session();
    harness.pass(ALMOST_INTERVAL).flushed(Downstream);
    harness.pass(SECOND);
    assert_eq!(pings(&harness, Downstream), 1);
}

#[test]
fn nobody_is_pinged_after_a_close() {
    for from in Side::BOTH {
        let mut harness = session();
        harness.pass(ALMOST_INTERVAL);
        harness.input(from, &close(from, 1000)).pass(SECOND * 4);
        assert_eq!(pings(&harness, Downstream) + pings(&harness, Upstream), 0);
        let mut harness = session();
        harness.pass(ALMOST_INTERVAL).close(CloseCode::GOING_AWAY);
        harness.pass(SECOND * 4);
        assert_eq!(pings(&harness, Downstream) + pings(&harness, Upstream), 0);
        let mut harness = session();
        harness.pass(ALMOST_INTERVAL).eof(from).pass(SECOND * 4);
        assert_eq!(pings(&harness, Downstream) + pings(&harness, Upstream), 0);
    }
}

#[test]
fn a_ping_that_waits_is_dropped_at_a_close() {
    let mut harness = session();
    let story = frame(Upstream, TEXT, b"once upon");
    harness.pass(ALMOST_INTERVAL).input(Upstream, &story[..5]);
    harness.pass(SECOND).close(CloseCode::GOING_AWAY);
    harness.input(Upstream, &story[5..]);
    assert_eq!(pings(&harness, Downstream), 0);
    assert_eq!(harness.closed_with(Downstream), Some(1001));
}

#[test]
fn a_ping_that_waits_holds_nothing_up_when_its_side_ends() {
    let mut harness = session();
    let story = [
        frame(Upstream, TEXT, b"once upon"),
        frame(Upstream, TEXT, b"a time"),
    ]
    .concat();
    harness.pass(ALMOST_INTERVAL).input(Upstream, &story[..5]);
    harness.pass(SECOND).eof(Downstream);
    harness.input(Upstream, &story[5..]);
    assert_eq!(harness.out(Downstream), story);
}

#[test]
fn a_pong_that_comes_after_a_close_is_swallowed_too() {
    let mut harness = session();
    harness.pass(INTERVAL);
    harness.input(Downstream, &close(Downstream, 1000));
    let before = harness.out(Downstream).len();
    harness.answer(Upstream);
    assert_eq!(harness.out(Downstream).len(), before);
    harness.input(Upstream, &close(Upstream, 1000));
    assert_eq!(harness.closed_with(Downstream), Some(1000));
}

#[test]
fn own_pings_do_not_keep_an_idle_session() {
    let mut harness = Harness::with(Policy {
        idle_timeout: Some(INTERVAL * 4),
        ..pinging()
    });
    for _ in 0..3 {
        harness.pass(INTERVAL);
        for side in Side::BOTH {
            harness.answer(side);
        }
    }
    harness.pass(ALMOST_INTERVAL);
    assert!(!harness.session.discards(Downstream));
    harness.pass(SECOND);
    for to in Side::BOTH {
        assert_eq!(harness.closed_with(to), Some(1001));
    }
}

#[test]
fn the_first_of_all_deadlines_is_waited_for() {
    let mut harness = Harness::with(Policy {
        idle_timeout: Some(INTERVAL + SECOND * 5),
        ..pinging()
    });
    let start = harness.now;
    assert_eq!(harness.waits, (Some(start + INTERVAL), WaitReason::Ping));
    harness.pass(INTERVAL);
    let idle = start + INTERVAL + SECOND * 5;
    assert_eq!(harness.waits, (Some(idle), WaitReason::Idle));
}

#[test]
fn intervals_beyond_all_time_are_none() {
    let mut harness = Harness::with(Policy {
        pings: Some(Pings {
            interval: Duration::MAX,
            timeout: Duration::MAX,
        }),
        ..policy()
    });
    harness.pass(Duration::from_secs(1 << 30));
    assert_eq!(harness.ops(), []);
}
