//! What a session asks of its wires, call by call.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use switchyard_proto::frame::OpCode;
use switchyard_proto::session::{Cause, Initiator};
use switchyard_proto::{Close, CloseCode};

use super::*;
use crate::testing::*;
use switchyard_proto::Side::{Downstream, Upstream};

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) client: Scripted,
    pub(super) server: Scripted,
    pub(super) relay: Relay<Scripted, Scripted>,
    woken: Arc<Woken>,
}

impl Stage {
    pub(super) fn new(
        client: impl IntoIterator<Item = Read>,
        server: impl IntoIterator<Item = Read>,
    ) -> Self {
        Self::on(World::new(), client, server)
    }

    pub(super) fn on(
        world: World,
        client: impl IntoIterator<Item = Read>,
        server: impl IntoIterator<Item = Read>,
    ) -> Self {
        let (client, server) = (Scripted::reading(client), Scripted::reading(server));
        let relay = world.relay(leg(client.clone()), leg(server.clone()));
        Self {
            world,
            client,
            server,
            relay,
            woken: Arc::default(),
        }
    }

    pub(super) fn poll(&mut self) -> Poll<Closed> {
        let waker = Arc::clone(&self.woken).into();
        let poll = Pin::new(&mut self.relay).poll(&mut Context::from_waker(&waker));
        poll.map(|ended| match ended {
            Ended::Closed(closed) => closed,
            Ended::Asked(_) => panic!("nobody asks this session to move"),
        })
    }

    pub(super) fn woken(&self) -> usize {
        self.woken.0.load(Ordering::Relaxed)
    }
}

#[test]
fn a_fault_costs_one_session_which_is_told_like_any_other() {
    let sent = text(Downstream, "before it");
    let reads = [Read::Bytes(sent.clone()), Read::Panic];
    let mut stage = Stage::new(reads, []);
    let Poll::Ready(closed) = stage.poll() else {
        panic!("it goes on");
    };
    let expected = Outcome::abrupt(Initiator::Gateway, Cause::Internal);
    assert_eq!(closed.outcome, expected);
    assert_eq!(closed.from_downstream.messages, 1);
    assert_eq!(stage.server.script().written, [&sent[..]]);
    // The buffer that they share is as it was.
    let mut other = Stage::new([Read::Bytes(sent.clone())], []);
    assert!(other.poll().is_pending());
    assert_eq!(other.server.script().written, [sent]);
}

#[test]
fn what_one_read_brought_goes_out_with_one_write() {
    let frames: Vec<u8> = (0..16)
        .flat_map(|_| text(Downstream, "sixteen at a time"))
        .collect();
    let mut stage = Stage::new([Read::Bytes(frames.clone())], []);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.server.script().written, [frames]);
    assert_eq!(stage.client.script().asked_to_read, 2);
    assert_eq!(stage.server.script().asked_to_read, 1);
}

#[test]
fn what_was_held_back_goes_out_with_what_follows() {
    let message = text(Upstream, &"x".repeat(1000));
    let (head, tail) = message.split_at(3);
    let mut stage = Stage::new([], [Read::Bytes(head.to_vec()), Read::Nothing]);
    assert!(stage.poll().is_pending());
    assert!(stage.client.script().written.is_empty());
    stage
        .server
        .script()
        .reads
        .push_back(Read::Bytes(tail.to_vec()));
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written, [message]);
}

#[test]
fn nothing_is_read_while_something_waits_to_be_written() {
    let message = text(Upstream, "hello there");
    let mut stage = Stage::new(
        [],
        [Read::Bytes(message.clone()), Read::Bytes(message.clone())],
    );
    stage.client.script().takes.extend([5, 0]);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.server.script().asked_to_read, 1);
    assert_eq!(stage.world.buffered("from_upstream"), 8);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.server.script().asked_to_read, 1);
    stage.client.script().takes.clear();
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written.concat(), message.repeat(2));
    assert_eq!(stage.world.buffered("from_upstream"), 0);
}

#[test]
fn nothing_is_read_while_something_waits_to_be_flushed() {
    let message = text(Downstream, "hello there");
    let mut stage = Stage::new([Read::Bytes(message.clone()), Read::Bytes(message)], []);
    stage.server.script().flushing = 2;
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().asked_to_read, 1);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.server.script().written.len(), 2);
}

#[test]
fn what_is_dropped_anyway_is_read_however_much_waits() {
    let mut stage = Stage::new([], [Read::Bytes(text(Upstream, "hello there"))]);
    stage.client.script().takes.push_back(0);
    assert!(stage.poll().is_pending());
    let handle = stage.world.registry.handles().pop().expect("one session");
    handle.close(Cause::Drain, CloseCode::SERVICE_RESTART.into());
    let answer = close(Upstream, CloseCode::SERVICE_RESTART);
    let late = [text(Upstream, "too late"), answer].concat();
    stage
        .server
        .script()
        .reads
        .extend([Read::Bytes(late), Read::End]);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.server.script().asked_to_read, 3);
    assert!(stage.client.script().written.is_empty());
    stage.client.script().takes.clear();
    stage.client.script().reads.push_back(Read::End);
    let Poll::Ready(closed) = stage.poll() else {
        panic!("over")
    };
    assert_eq!(closed.from_upstream.bytes, 13 + 10 + 4);
    let written = stage.client.script().written.concat();
    assert_eq!(
        written,
        [
            text(Upstream, "hello there"),
            close(Upstream, CloseCode::SERVICE_RESTART)
        ]
        .concat()
    );
}

#[test]
fn a_side_that_takes_no_bytes_at_all_is_lost() {
    let mut stage = Stage::new([Read::Bytes(text(Downstream, "hello"))], []);
    stage.server.script().writing = Writing::Zero;
    assert!(stage.poll().is_pending());
    stage.client.script().reads.push_back(Read::End);
    let Poll::Ready(closed) = stage.poll() else {
        panic!("over")
    };
    assert_eq!(closed.outcome.cause, Cause::Reset);
}

#[test]
fn a_busy_session_lets_others_run() {
    let message = text(Downstream, &"x".repeat(1000));
    let mut stage = Stage::new([Read::Always(message)], []);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.woken(), 1);
    assert_eq!(stage.client.script().asked_to_read, 16);
}

#[test]
fn an_idle_session_does_not_wake_itself() {
    let mut stage = Stage::new([], []);
    assert!(stage.poll().is_pending());
    assert!(stage.poll().is_pending());
    assert_eq!(stage.woken(), 0);
    assert_eq!(stage.client.script().asked_to_read, 2);
}

#[test]
fn the_last_words_of_an_endpoint_that_takes_nothing_more_are_read() {
    let (word, bye) = (
        text(Upstream, "last word"),
        close(Upstream, CloseCode::NORMAL),
    );
    let mut stage = Stage::new([Read::Bytes(text(Downstream, "too late"))], []);
    stage.server.script().writing = Writing::Refused(ErrorKind::BrokenPipe);
    stage
        .server
        .script()
        .reads
        .extend([Read::Bytes(word.clone()), Read::Bytes(bye.clone())]);
    stage.server.script().reads.push_back(Read::Reset);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written.concat(), [word, bye].concat());
    stage.client.script().reads.push_back(Read::End);
    let Poll::Ready(closed) = stage.poll() else {
        panic!("over")
    };
    assert_eq!(closed.outcome.initiator, Initiator::Upstream);
    assert_eq!(closed.outcome.cause, Cause::CloseFrame);
}

#[test]
fn a_side_that_takes_nothing_more_is_lost_even_if_it_stays_silent() {
    let mut stage = Stage::new([Read::Bytes(text(Downstream, "hello"))], []);
    stage.server.script().writing = Writing::Refused(ErrorKind::ConnectionReset);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written.concat()[..2], [0x88, 15]);
    stage.client.script().reads.push_back(Read::End);
    let Poll::Ready(closed) = stage.poll() else {
        panic!("over")
    };
    assert_eq!(closed.outcome.cause, Cause::Reset);
}

#[test]
fn a_side_is_lost_even_while_it_may_not_be_read() {
    let message = text(Upstream, "hello there");
    let mut stage = Stage::new([], [Read::Bytes(message)]);
    stage.client.script().takes.push_back(0);
    assert!(stage.poll().is_pending());
    stage.server.script().writing = Writing::Refused(ErrorKind::TimedOut);
    stage
        .client
        .script()
        .reads
        .push_back(Read::Bytes(text(Downstream, "hello")));
    assert!(stage.poll().is_pending());
    assert_eq!(stage.server.script().asked_to_read, 1);
    stage.client.script().takes.clear();
    stage.client.script().reads.push_back(Read::End);
    let Poll::Ready(closed) = stage.poll() else {
        panic!("over")
    };
    assert_eq!(closed.outcome.cause, Cause::Reset);
    assert_eq!(closed.outcome.initiator, Initiator::Upstream);
}

#[test]
fn a_stream_is_ended_after_what_is_pending() {
    let words = [
        text(Upstream, "goodbye"),
        close(Upstream, CloseCode::NORMAL),
    ]
    .concat();
    let answer = close(Downstream, CloseCode::NORMAL);
    let mut stage = Stage::new([Read::Bytes(answer)], [Read::Bytes(words.clone())]);
    stage.client.script().takes.extend([3, 0]);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().shut, 0);
    stage.client.script().takes.clear();
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written.concat(), words);
    assert_eq!(stage.client.script().shut, 1);
}

#[test]
fn frames_of_the_gateway_do_not_overtake_what_is_pending() {
    let message = text(Upstream, "hello there");
    let mut stage = Stage::new([], [Read::Bytes(message.clone())]);
    stage.client.script().takes.push_back(0);
    assert!(stage.poll().is_pending());
    stage.client.script().takes.clear();
    let handle = stage.world.registry.handles().pop().expect("one session");
    handle.close(Cause::Drain, CloseCode::SERVICE_RESTART.into());
    assert!(stage.poll().is_pending());
    let bye = close(Upstream, CloseCode::SERVICE_RESTART);
    assert_eq!(
        stage.client.script().written.concat(),
        [message, bye].concat()
    );
}

#[test]
fn the_limit_holds_with_a_frame_of_the_gateway_on_top() {
    let empty_messages = text(Upstream, "").repeat(10_000);
    let mut world = World::new();
    world.buffer_limit = 4 * KIB;
    let mut stage = Stage::on(world, [], [Read::Bytes(empty_messages)]);
    stage.client.script().takes.push_back(0);
    assert!(stage.poll().is_pending());
    let before = stage.world.buffered("from_upstream");
    assert!(before > 3000, "{before}");
    let handle = stage.world.registry.handles().pop().expect("one session");
    let reason = "x".repeat(123);
    let bye = Close::new(CloseCode::SERVICE_RESTART, &reason).expect("it fits");
    handle.close(Cause::Drain, bye);
    assert!(stage.poll().is_pending());
    let after = stage.world.buffered("from_upstream");
    assert!(after > before && after <= 4096, "{after}");
}

#[test]
fn frames_of_the_gateway_go_to_both_sides_between_frames() {
    let message = text(Downstream, "a message in two parts");
    let (head, tail) = message.split_at(10);
    let mut stage = Stage::new([Read::Bytes(head.to_vec()), Read::Nothing], []);
    assert!(stage.poll().is_pending());
    let handle = stage.world.registry.handles().pop().expect("one session");
    handle.close(Cause::Drain, CloseCode::SERVICE_RESTART.into());
    assert_eq!(stage.woken(), 1);
    assert!(stage.poll().is_pending());
    assert_eq!(
        stage.client.script().written.concat(),
        [0x88, 2, 0x03, 0xf4]
    );
    assert_eq!(stage.server.script().written.concat(), head);
    let tail = [tail, &text(Downstream, "dropped")].concat();
    stage.client.script().reads.push_back(Read::Bytes(tail));
    assert!(stage.poll().is_pending());
    let written = stage.server.script().written.concat();
    assert_eq!(written[..message.len()], message);
    assert_eq!(written[message.len()..message.len() + 2], [0x88, 0x82]);
    assert_eq!(written.len(), message.len() + 8);
}

#[test]
fn a_violation_is_refused_before_any_of_it_passes() {
    let good = frame(Downstream, OpCode::Binary, b"good");
    let bad = frame(Upstream, OpCode::Binary, b"not masked");
    let mut stage = Stage::new([Read::Bytes([good.clone(), bad].concat())], []);
    assert!(stage.poll().is_pending());
    let written = stage.server.script().written.concat();
    assert_eq!(written[..good.len()], good);
    assert_eq!(written[good.len()], 0x88);
    assert_eq!(stage.client.script().written.concat()[..2], [0x88, 10]);
}
