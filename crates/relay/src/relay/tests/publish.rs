//! Messages of the gateway's own between those of the endpoint.

use proptest::prelude::*;
use switchyard_proto::Side::Upstream;
use switchyard_proto::frame::{Decoded, OpCode};
use switchyard_proto::session::Cause;
use switchyard_proto::{CloseCode, frame::Header};
use tokio::io::duplex;
use tokio::time::advance;

use super::scripted::Stage;
use super::*;
use crate::testing::*;
use crate::{Delivery, Message, OnFull, Queue};

const QUEUE: Queue = Queue {
    messages: 1000,
    bytes: 16 * 1024 * KIB,
    on_full: OnFull::DropNewest,
};

fn message(text: &str) -> Arc<Message> {
    Arc::new(Message::text(text, crate::now()))
}

/// Has a session sent a message, and says what that is on the wire.
fn deliver(stage: &Stage, text: &str) -> Vec<u8> {
    let message = message(text);
    let delivery = stage.relay.handle().deliver(&message, QUEUE);
    assert_eq!(delivery, Delivery::Queued);
    message.frame().to_vec()
}

fn stage() -> Stage {
    let mut stage = Stage::new([], []);
    assert!(stage.poll().is_pending());
    stage
}

#[test]
fn a_message_is_one_write_and_no_traffic_of_the_endpoint() {
    let mut stage = stage();
    let frame = deliver(&stage, "hello");
    assert_eq!(stage.woken(), 1);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written, [frame]);
    assert_eq!(stage.world.published(), [1, 0, 0]);
    let endpoint = r#"direction="from_upstream""#;
    let bytes: u64 = stage.world.sample("switchyard_bytes_total", endpoint);
    let frames = r#"direction="from_upstream",opcode="text""#;
    let frames: u64 = stage.world.sample("switchyard_frames_total", frames);
    assert_eq!((bytes, frames), (0, 0));
}

#[test]
fn messages_that_wait_together_go_together_and_wake_once() {
    let mut stage = stage();
    let small: Vec<_> = (0..10)
        .map(|n| deliver(&stage, &"x".repeat(n * 1000)))
        .collect();
    let large = deliver(&stage, &"y".repeat(100_000));
    assert_eq!(stage.woken(), 1);
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written, [small.concat(), large]);
    assert_eq!(stage.world.published(), [11, 0, 0]);
}

#[test]
fn no_more_than_64_kib_are_put_together() {
    let mut stage = stage();
    let frames: Vec<_> = (0..5)
        .map(|_| deliver(&stage, &"x".repeat(30_000)))
        .collect();
    assert!(stage.poll().is_pending());
    let lengths: Vec<_> = stage.client.script().written.iter().map(Vec::len).collect();
    let one = frames[0].len();
    assert_eq!(lengths, [2 * one, 2 * one, one]);
}

#[test]
fn a_message_waits_for_the_end_of_one_of_the_endpoints() {
    let long = text(Upstream, "once upon a time");
    let next = text(Upstream, "there was");
    let mut stage = Stage::new([], [Read::Bytes(long[..7].to_vec())]);
    assert!(stage.poll().is_pending());
    let news = deliver(&stage, "news");
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written.concat(), long[..7]);
    let rest = [&long[7..], &next].concat();
    stage.server.script().reads.push_back(Read::Bytes(rest));
    assert!(stage.poll().is_pending());
    let written = stage.client.script().written.concat();
    assert_eq!(written, [long, news, next].concat());
}

#[test]
fn what_a_client_takes_in_part_goes_on_later_and_counts_then() {
    let mut stage = stage();
    stage.client.script().takes.extend([9, 0]);
    let frames = ["first", "second", "third"].map(|text| deliver(&stage, text));
    assert!(stage.poll().is_pending());
    // The first, two bytes of the second.
    assert_eq!(stage.world.published(), [1, 0, 0]);
    assert_eq!(stage.world.buffered("from_upstream"), 6);
    let answer = text(Upstream, "answer");
    stage
        .server
        .script()
        .reads
        .push_back(Read::Bytes(answer.clone()));
    assert!(stage.poll().is_pending());
    stage.client.script().takes.clear();
    assert!(stage.poll().is_pending());
    let written = stage.client.script().written.concat();
    assert_eq!(written, [&frames.concat()[..], &answer].concat());
    assert_eq!(stage.world.buffered("from_upstream"), 0);
    assert_eq!(stage.world.published(), [3, 0, 0]);
}

#[test]
fn a_message_goes_behind_what_waits_for_the_client() {
    let answer = text(Upstream, "answer");
    let mut stage = Stage::new([], [Read::Bytes(answer.clone())]);
    stage.client.script().takes.extend([3, 0]);
    assert!(stage.poll().is_pending());
    let news = deliver(&stage, "news");
    assert!(stage.poll().is_pending());
    assert_eq!(stage.world.buffered("from_upstream"), 5 + news.len());
    stage.client.script().takes.clear();
    assert!(stage.poll().is_pending());
    let written = stage.client.script().written.concat();
    assert_eq!(written, [answer, news].concat());
}

#[test]
fn a_message_goes_behind_what_is_flushed() {
    let mut stage = stage();
    stage.client.script().flushing = 2;
    let first = deliver(&stage, "first");
    assert!(stage.poll().is_pending());
    let second = deliver(&stage, "second");
    assert!(stage.poll().is_pending());
    assert!(stage.poll().is_pending());
    assert_eq!(stage.client.script().written, [first, second]);
}

/// An endpoint that never pauses, in large messages, and a client that takes a little at a time: there is always something in
/// the way at the end of a message.
#[test]
fn a_message_comes_through_to_a_slow_client_of_a_busy_endpoint() {
    let large = text(Upstream, &"x".repeat(300_000));
    let mut stage = Stage::new([], [Read::Bytes(large.repeat(5))]);
    stage.client.script().takes.push_back(0);
    assert!(stage.poll().is_pending());
    let news = [deliver(&stage, "news"), deliver(&stage, "more of them")];
    for _ in 0..1_000 {
        stage.client.script().takes.push_front(2_000);
        assert!(stage.poll().is_pending());
    }
    let written = stage.client.script().written.concat();
    let expected = [&large, &news[0], &large, &news[1], &large, &large, &large];
    assert!(written == expected.map(|it| &**it).concat());
}

#[test]
fn a_session_that_is_sent_much_lets_others_run() {
    let mut stage = stage();
    let frames: Vec<_> = (0..12)
        .map(|_| deliver(&stage, &"x".repeat(400_000)))
        .collect();
    let before = stage.woken();
    let mut polls = 0;
    while stage.client.script().written.concat().len() < frames.concat().len() {
        let written = stage.client.script().written.len();
        assert!(stage.poll().is_pending());
        polls += 1;
        assert!(stage.client.script().written.len() <= written + 3);
        assert!(polls < 10, "it goes on");
    }
    assert_eq!(polls, 4);
    assert!(stage.woken() >= before + 3, "it wakes itself");
}

#[test]
fn a_slow_receiver_is_closed_where_that_is_asked() {
    use Delivery::{Closing, Dropped, Queued};
    let mut stage = stage();
    let queue = Queue {
        messages: 2,
        on_full: OnFull::Close,
        ..QUEUE
    };
    let handle = stage.relay.handle().clone();
    stage.client.script().takes.extend([1, 0]);
    let deliveries: Vec<_> = (0..5)
        .map(|_| handle.deliver(&message("x"), queue))
        .collect();
    assert_eq!(deliveries, [Queued, Queued, Dropped, Closing, Closing]);
    assert_eq!(handle.told(), Some(Cause::SlowReceiver));
    assert!(stage.poll().is_pending());
    stage.client.script().takes.clear();
    assert!(stage.poll().is_pending());
    let close = close(Upstream, CloseCode::TRY_AGAIN);
    assert_eq!(stage.client.script().written.concat(), close);
    assert_eq!(stage.world.published(), [0, 1, 2]);
}

#[test]
fn what_waits_when_a_session_ends_is_counted() {
    let long = text(Upstream, "once upon a time");
    let mut stage = Stage::new([], [Read::Bytes(long[..7].to_vec())]);
    assert!(stage.poll().is_pending());
    for _ in 0..3 {
        deliver(&stage, "news");
    }
    stage.client.script().reads.push_back(Read::Reset);
    // The endpoint is told, and may end its stream.
    assert!(stage.poll().is_pending());
    assert_eq!(stage.world.published(), [0, 0, 3]);
    let handle = stage.relay.handle().clone();
    assert_eq!(handle.deliver(&message("x"), QUEUE), Delivery::Closing);
}

#[test]
fn what_a_client_has_a_part_of_when_it_goes_was_not_delivered() {
    let mut stage = stage();
    stage.client.script().takes.extend([3, 0]);
    deliver(&stage, "first");
    deliver(&stage, "second");
    assert!(stage.poll().is_pending());
    let world = stage.world;
    drop(stage.relay);
    assert_eq!(world.published(), [0, 0, 2]);
    assert_eq!(world.buffered("from_upstream"), 0);
}

#[test]
fn what_a_lost_client_does_not_take_is_counted() {
    let mut stage = stage();
    stage.client.script().writing = Writing::Refused(std::io::ErrorKind::BrokenPipe);
    deliver(&stage, "first");
    deliver(&stage, "second");
    assert!(stage.poll().is_pending());
    let world = stage.world;
    drop(stage.relay);
    assert_eq!(world.published(), [0, 0, 2]);
}

#[test]
fn drops_of_a_client_that_takes_nothing_are_counted_while_it_does_not() {
    let mut stage = stage();
    let oldest = Queue {
        messages: 2,
        on_full: OnFull::DropOldest,
        ..QUEUE
    };
    stage.client.script().takes.extend([1, 0]);
    deliver(&stage, "begun");
    assert!(stage.poll().is_pending());
    let handle = stage.relay.handle().clone();
    for text in ["a", "b", "c", "d"] {
        assert_eq!(handle.deliver(&message(text), oldest), Delivery::Queued);
    }
    assert!(stage.poll().is_pending());
    assert_eq!(stage.world.published(), [0, 2, 0]);
    stage.client.script().takes.clear();
    assert!(stage.poll().is_pending());
    let expected = ["begun", "c", "d"].map(|it| message(it).frame().to_vec());
    assert_eq!(stage.client.script().written.concat(), expected.concat());
}

#[test]
fn a_session_with_messages_that_wait_is_not_moved() {
    let mut stage = stage();
    assert!(stage.relay.export(crate::now()).is_some());
    stage.client.script().takes.extend([3, 0]);
    deliver(&stage, "first");
    assert!(stage.relay.export(crate::now()).is_none());
    assert!(stage.poll().is_pending());
    assert!(stage.relay.export(crate::now()).is_none(), "a part of it");
    stage.client.script().takes.clear();
    assert!(stage.poll().is_pending());
    assert!(stage.relay.export(crate::now()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_published_to_is_not_idle() {
    let mut world = World::new().keeping_time();
    world.policy.idle_timeout = Some(Duration::from_secs(10));
    let ((_client, down), (_server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    let handle = world.registry.handles().pop().expect("it is open");
    for _ in 0..5 {
        advance(Duration::from_secs(6)).await;
        assert_eq!(handle.deliver(&message("x"), QUEUE), Delivery::Queued);
        tokio::task::yield_now().await;
    }
    assert!(handle.idle(crate::now()) < Duration::from_secs(1));
    let closed = session.await.expect("no panic");
    assert_eq!(closed.outcome.cause, Cause::IdleTimeout);
    assert!(closed.duration >= Duration::from_secs(40));
}

/// What happens to a session in the property below.
#[derive(Clone, Debug)]
enum Event {
    /// The endpoint sends so much more of its stream.
    Sends(usize),
    /// A message of so many bytes is published.
    Publish(usize),
    /// The client takes that much, in writes of these sizes.
    Takes(Vec<usize>),
    /// It takes everything.
    TakesAll,
    Poll,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1..400_usize).prop_map(Event::Sends),
        4 => (0..200_usize).prop_map(Event::Publish),
        2 => proptest::collection::vec(1..300_usize, 0..4).prop_map(Event::Takes),
        1 => Just(Event::TakesAll),
        4 => Just(Event::Poll),
    ]
}

/// Of fragments, with a Ping in between.
fn endpoint_stream() -> Vec<u8> {
    let mut stream = Vec::new();
    for n in 0..60_usize {
        let payload = vec![b'e'; n * 7 % 150];
        let mut first = frame(Upstream, OpCode::Text, &payload);
        first[0] &= 0x7f;
        stream.extend(first);
        if n % 3 == 0 {
            stream.extend(frame(Upstream, OpCode::Ping, b"p"));
        }
        stream.extend(frame(Upstream, OpCode::Continuation, &payload));
    }
    stream
}

/// The published messages in what a client got, by their numbers, and the stream without them.
fn split(mut bytes: &[u8]) -> (Vec<usize>, Vec<u8>) {
    let (mut published, mut rest, mut is_inside) = (Vec::new(), Vec::new(), false);
    while let Ok(Decoded::Header(header, len)) = Header::decode(bytes) {
        let end = len + usize::try_from(header.payload_len).expect("short");
        if bytes.len() < end {
            break;
        }
        if header.opcode == OpCode::Binary {
            assert!(!is_inside, "inside a message");
            let number = bytes[len..len + 8].try_into().expect("eight bytes");
            published.push(usize::from_be_bytes(number));
        } else {
            if !header.opcode.is_control() {
                is_inside = !header.fin;
            }
            rest.extend(&bytes[..end]);
        }
        bytes = &bytes[end..];
    }
    rest.extend(bytes);
    (published, rest)
}

proptest! {
    #[test]
    fn whatever_a_client_takes_it_gets_whole_messages_in_order(
        events in proptest::collection::vec(event(), 1..120),
        oldest in any::<bool>(),
    ) {
        let queue = Queue {
            messages: 8,
            bytes: 600,
            on_full: if oldest { OnFull::DropOldest } else { OnFull::DropNewest },
        };
        let (stream, mut stage, mut sent, mut offered) = (endpoint_stream(), stage(), 0, 0_usize);
        stage.client.script().takes.push_back(0);
        for event in events.into_iter().chain([Event::TakesAll, Event::Poll]) {
            match event {
                Event::Sends(len) => {
                    let end = stream.len().min(sent + len);
                    let bytes = Read::Bytes(stream[sent..end].to_vec());
                    if end > sent {
                        stage.server.script().reads.push_back(bytes);
                    }
                    sent = end;
                }
                Event::Publish(len) => {
                    let payload = [&offered.to_be_bytes()[..], &vec![b'p'; len]].concat();
                    let message = Arc::new(Message::binary(&payload, crate::now()));
                    stage.relay.handle().deliver(&message, queue);
                    offered += 1;
                }
                Event::Takes(lens) => {
                    let takes = &mut stage.client.script().takes;
                    takes.clear();
                    takes.extend(lens.into_iter().chain([0]));
                }
                Event::TakesAll => stage.client.script().takes.clear(),
                Event::Poll => prop_assert!(stage.poll().is_pending()),
            }
        }
        for _ in 0..20 {
            prop_assert!(stage.poll().is_pending());
        }
        let written = stage.client.script().written.concat();
        let (published, rest) = split(&written);
        // The last header may be withheld.
        prop_assert!(rest.len() + 14 > sent && rest == stream[..rest.len()]);
        prop_assert!(published.is_sorted_by(|a, b| a < b), "{:?}", published);
        let [delivered, dropped, _] = stage.world.published();
        prop_assert_eq!(delivered, published.len() as u64);
        let world = stage.world;
        drop(stage.relay);
        let [_, _, undelivered] = world.published();
        prop_assert_eq!(delivered + dropped + undelivered, offered as u64);
        prop_assert_eq!(world.buffered("from_upstream"), 0);
    }
}
