//! A session that holds still, and goes on here or somewhere else.

use std::mem;

use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::frame::{Header, OpCode};
use switchyard_proto::record::{Reader, Writer};
use switchyard_proto::session::Cause;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Duration, advance, timeout};

use crate::testing::{KIB, LONG, World, frame, leg, text};
use crate::{Ended, Freeze, Leg, Parcel, Relay, Still};

type Session = Relay<DuplexStream, DuplexStream>;

/// Lets the session do all that there is to do.
async fn settle(relay: &mut Session) {
    let ended = timeout(LONG, relay).await;
    assert!(ended.is_err(), "it ended: {ended:?}");
}

/// Asks it to hold still.
async fn freeze(relay: &mut Session) {
    let (freeze, _parcels) = Freeze::collecting(1);
    relay.handle().freeze(freeze);
    let ended = timeout(LONG, relay).await.expect("it answers");
    assert!(matches!(ended, Ended::Asked(_)));
}

/// The same session in another relay, over the same connections.
fn moved(world: &World, mut relay: Session) -> Session {
    let still = relay.export(crate::now()).expect("it is open");
    let mut record = Writer::new();
    still.write(&mut record, crate::now());
    let bytes = record.finish();
    let mut reader = Reader::new(&bytes);
    let read = Still::read(&mut reader, crate::now()).expect("what was written");
    reader.end().expect("nothing else");
    let mut again = Writer::new();
    read.write(&mut again, crate::now());
    assert_eq!(again.finish(), bytes);
    let mut take =
        |wire: fn(&mut Session) -> &mut DuplexStream| mem::replace(wire(&mut relay), duplex(1).0);
    let down = take(|relay| &mut relay.wires.downstream);
    let up = take(|relay| &mut relay.wires.upstream);
    drop(relay);
    world.restored((down, up), read)
}

/// So many bytes, if they come at all.
async fn read(wire: &mut DuplexStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let reading = timeout(LONG, wire.read_exact(&mut bytes)).await;
    reading.expect("all of it").expect("all of it");
    bytes
}

/// A stream of messages with everything in it that can be cut.
fn stream(from: Side) -> Vec<u8> {
    let key = (from == Downstream).then_some([1, 2, 3, 4]);
    let header = |fin, opcode, payload_len| {
        let header = Header {
            fin,
            rsv: 0,
            opcode,
            mask: key,
            payload_len,
        };
        header.encode().to_vec()
    };
    [
        text(from, "hello"),
        header(false, OpCode::Binary, 200),
        vec![7; 200],
        frame(from, OpCode::Ping, b"are you there?"),
        header(true, OpCode::Continuation, 30),
        vec![8; 30],
        text(from, ""),
        text(from, "bye"),
    ]
    .concat()
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_between_any_two_bytes() {
    let world = World::new();
    let sent = [stream(Downstream), stream(Upstream)];
    for cut in 0..sent[0].len() {
        let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
        let mut relay = world.relay(leg(down), leg(up));
        let early = [&sent[0][..cut], &sent[1][..cut.min(sent[1].len())]];
        client.write_all(early[0]).await.expect("writes");
        server.write_all(early[1]).await.expect("writes");
        settle(&mut relay).await;
        freeze(&mut relay).await;
        let mut relay = moved(&world, relay);
        client
            .write_all(&sent[0][early[0].len()..])
            .await
            .expect("writes");
        server
            .write_all(&sent[1][early[1].len()..])
            .await
            .expect("writes");
        settle(&mut relay).await;
        let received = [
            read(&mut client, sent[1].len()).await,
            read(&mut server, sent[0].len()).await,
        ];
        assert!(
            received[0] == sent[1] && received[1] == sent[0],
            "cut at {cut}"
        );
        assert_eq!(relay.session.traffic(Downstream).messages, 4);
        assert_eq!(
            relay.session.traffic(Downstream).bytes,
            sent[0].len() as u64
        );
    }
    assert_eq!(world.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_peer_has_not_taken_and_what_came_early_moves_along() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(16));
    let (first, second) = (
        text(Downstream, "early"),
        frame(Downstream, OpCode::Binary, &[9; 500]),
    );
    let early = Leg {
        io: down,
        early: first.clone().into(),
    };
    let mut relay = world.relay(early, leg(up));
    let unread = moved_before_its_first_poll(&world, &mut relay).await;
    let mut relay = unread;
    client.write_all(&second).await.expect("writes");
    settle(&mut relay).await;
    let kept = world.buffered("from_downstream");
    assert_eq!(kept, first.len() + second.len() - 16);
    freeze(&mut relay).await;
    let mut relay = moved(&world, relay);
    assert_eq!(world.buffered("from_downstream"), kept);
    let mut received = vec![0; first.len() + second.len()];
    let reading = server.read_exact(&mut received);
    tokio::select! {
        ended = &mut relay => panic!("it ended: {ended:?}"),
        read = reading => { read.expect("all of it"); }
    }
    assert_eq!(received, [first, second].concat());
    settle(&mut relay).await;
    assert_eq!(world.buffered("from_downstream"), 0);
}

async fn moved_before_its_first_poll(world: &World, relay: &mut Session) -> Session {
    freeze(relay).await;
    let relay = mem::replace(relay, world.relay(leg(duplex(1).0), leg(duplex(1).0)));
    moved(world, relay)
}

#[tokio::test(start_paused = true)]
async fn who_it_is_and_how_long_it_was_silent_moves_along() {
    let world = World::new();
    let ((_client, down), (_server, up)) = (duplex(KIB), duplex(KIB));
    let mut relay = world.relay(leg(down), leg(up));
    advance(Duration::from_secs(7)).await;
    freeze(&mut relay).await;
    let before = relay.handle().clone();
    let relay = moved(&world, relay);
    let (was, is) = (before.info(), relay.handle().info());
    assert_eq!((was.id, was.opened), (is.id, is.opened));
    assert_eq!((&was.endpoint, &was.listener), (&is.endpoint, &is.listener));
    assert_eq!(relay.handle().idle(crate::now()), Duration::from_secs(7));
    assert_eq!(world.sessions(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_comes_with_the_question_is_heard_when_it_goes_on() {
    let mut world = World::new();
    world.policy.idle_timeout = Some(Duration::from_secs(10));
    let ((_client, down), (_server, up)) = (duplex(KIB), duplex(KIB));
    let mut relay = world.relay(leg(down), leg(up));
    settle_without_time(&mut relay).await;
    advance(Duration::from_secs(20)).await;
    freeze(&mut relay).await;
    settle_without_time(&mut relay).await;
    relay.handle().cut(Cause::Admin);
    let Ended::Closed(closed) = relay.await else {
        panic!("it was not asked again");
    };
    assert_eq!(closed.outcome.cause, Cause::IdleTimeout);
}

async fn settle_without_time(relay: &mut Session) {
    let ended = timeout(Duration::from_millis(1), relay).await;
    assert!(ended.is_err(), "it ended: {ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_ending_stays() {
    let world = World::new();
    let ((mut client, down), (_server, up)) = (duplex(KIB), duplex(KIB));
    let mut relay = world.relay(leg(down), leg(up));
    client
        .write_all(&frame(Downstream, OpCode::Close, b""))
        .await
        .expect("writes");
    settle_without_time(&mut relay).await;
    assert!(relay.export(crate::now()).is_none());
}

#[tokio::test(start_paused = true)]
async fn who_has_gone_answers_nobody() {
    let world = World::new();
    let ((_client, down), (_server, up)) = (duplex(KIB), duplex(KIB));
    let relay = world.relay(leg(down), leg(up));
    let (freeze, mut parcels) = Freeze::collecting(1);
    relay.handle().freeze(freeze);
    let handle = relay.handle().clone();
    drop(relay);
    let nobody: Option<Parcel> = timeout(LONG, parcels.recv()).await.expect("an end");
    assert!(nobody.is_none());
    drop(handle);
}
