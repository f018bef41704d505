//! Who is asked to go, and when.

use std::collections::BTreeSet;

use switchyard_proto::{CloseCode, Side};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::testing::{KIB, LONG, World, leg, text};
use crate::{Closed, SessionId};

const MINUTE: Duration = Duration::from_mins(1);

fn plan(order: DrainOrder) -> DrainPlan {
    DrainPlan {
        over: MINUTE,
        order,
        close: CloseCode::SERVICE_RESTART.into(),
        seed: 11,
    }
}

/// Both peers of a session. They answer nothing.
struct Peers {
    client: DuplexStream,
    server: DuplexStream,
    session: JoinHandle<Closed>,
    id: SessionId,
}

fn open(world: &World) -> Peers {
    let ((client, down), (server, up)) = (duplex(KIB), duplex(KIB));
    let relay = world.relay(leg(down), leg(up));
    let id = world
        .registry
        .handles()
        .pop()
        .expect("it is open")
        .info()
        .id;
    let session = world.spawn_relay(relay);
    Peers {
        client,
        server,
        session,
        id,
    }
}

/// A session each second. They are then quiet for a minute, but the first says something.
async fn four(world: &World) -> Vec<Peers> {
    let mut peers = Vec::new();
    for _ in 0..4 {
        peers.push(open(world));
        sleep(Duration::from_secs(1)).await;
    }
    let message = text(Side::Downstream, "I am not idle");
    peers[0].client.write_all(&message).await.expect("writes");
    let mut received = vec![0; message.len()];
    peers[0]
        .server
        .read_exact(&mut received)
        .await
        .expect("reads");
    sleep(MINUTE).await;
    peers
}

/// When each session gets its Close, in the order of `peers`.
async fn asked(peers: &mut [Peers], start: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    for peer in peers {
        let asked = async {
            let mut frame = [0; 4];
            peer.client.read_exact(&mut frame).await.expect("a Close");
            assert_eq!(frame, [0x88, 2, 0x03, 0xf4]);
            start.elapsed()
        };
        times.push(asked);
    }
    futures_util::future::join_all(times).await
}

/// The sessions in the order in which a drain asked them, and when it did.
async fn drained(order: DrainOrder) -> (Vec<usize>, Vec<Duration>) {
    let world = World::new().keeping_time();
    let mut peers = four(&world).await;
    let start = Instant::now();
    world.start(world.registry.clone().drain(plan(order)));
    let times = asked(&mut peers, start).await;
    let mut sequence: Vec<_> = (0..times.len()).collect();
    sequence.sort_by_key(|peer| times[*peer]);
    (sequence, times)
}

#[tokio::test(start_paused = true)]
async fn the_oldest_is_asked_first() {
    assert_eq!(drained(DrainOrder::OldestFirst).await.0, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_idlest_is_asked_first() {
    assert_eq!(drained(DrainOrder::IdleFirst).await.0, [1, 2, 3, 0]);
}

#[tokio::test(start_paused = true)]
async fn each_has_a_slot_of_the_time() {
    for order in [
        DrainOrder::OldestFirst,
        DrainOrder::IdleFirst,
        DrainOrder::Random,
    ] {
        let (sequence, times) = drained(order).await;
        for (slot, peer) in (0..).zip(sequence) {
            let begin = MINUTE / 4 * slot;
            // The runtime's timers are exact to a millisecond.
            let end = begin + MINUTE / 4 + Duration::from_millis(1);
            assert!((begin..=end).contains(&times[peer]), "{order:?}: {times:?}");
        }
    }
}

#[test]
fn a_lot_depends_on_the_seed_and_forgets_nobody() {
    let handles: Vec<_> = (0..50)
        .map(|_| Handle::new(crate::testing::info()))
        .collect();
    let ids = |handles: &[Handle]| handles.iter().map(|h| h.info().id).collect::<Vec<_>>();
    let by_lot = |seed| {
        let mut handles = handles.clone();
        DrainOrder::Random.sort(&mut handles, seed, clock::now());
        ids(&handles)
    };
    assert_eq!(by_lot(1), by_lot(1));
    assert_ne!(by_lot(1), by_lot(2));
    assert_ne!(by_lot(1), ids(&handles));
    assert_eq!(
        BTreeSet::from_iter(by_lot(1)),
        BTreeSet::from_iter(ids(&handles))
    );
}

#[tokio::test(start_paused = true)]
async fn the_registry_is_empty_when_the_peers_have_gone() {
    let world = World::new().keeping_time();
    let mut peers = four(&world).await;
    peers[3].session.abort();
    world.start(world.registry.clone().drain(plan(DrainOrder::OldestFirst)));
    sleep(MINUTE + 3 * world.policy.close_timeout).await;
    assert!(world.registry.is_empty());
    assert_eq!(world.sessions(), 0);
    for peer in peers.drain(..3) {
        assert_eq!(
            peer.session.await.expect("no panic").outcome.cause,
            Cause::Drain
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_is_asked_at_once() {
    let world = World::new().keeping_time();
    world
        .registry
        .clone()
        .drain(plan(DrainOrder::IdleFirst))
        .await;
    let start = Instant::now();
    let mut late = [open(&world)];
    assert_eq!(asked(&mut late, start).await, [Duration::ZERO]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_after_a_cut_is_cut() {
    let world = World::new();
    world.registry.cut(Cause::Shutdown);
    let late = open(&world);
    let closed = tokio::time::timeout(LONG, late.session)
        .await
        .expect("in time");
    assert_eq!(closed.expect("no panic").outcome.cause, Cause::Shutdown);
    assert!(world.registry.get(late.id).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cut_overtakes_a_drain() {
    let world = World::new().keeping_time();
    let peers = four(&world).await;
    world.start(world.registry.clone().drain(plan(DrainOrder::OldestFirst)));
    sleep(MINUTE / 2).await;
    world.registry.cut(Cause::DrainDeadline);
    let mut causes = Vec::new();
    for peer in peers {
        causes.push(peer.session.await.expect("no panic").outcome.cause);
    }
    assert_eq!(causes[3], Cause::DrainDeadline);
    assert_eq!(causes[0], Cause::Drain);
}

#[tokio::test(start_paused = true)]
async fn only_the_sessions_of_an_endpoint_that_leaves_are_asked() {
    let world = World::new();
    let mut peers = four(&world).await;
    let info = world.registry.handles()[0].info().clone();
    let elsewhere = world.registry.clone().part(
        "another".into(),
        Arc::clone(&info.endpoint),
        plan(DrainOrder::OldestFirst),
        || true,
    );
    elsewhere.await;
    let start = Instant::now();
    let part = world.registry.clone().part(
        Arc::clone(&info.cluster),
        Arc::clone(&info.endpoint),
        plan(DrainOrder::OldestFirst),
        || true,
    );
    let (times, ()) = tokio::join!(asked(&mut peers, start), part);
    assert!(
        times.is_sorted() && times[0] < MINUTE / 4 && times[3] >= MINUTE / 4 * 3,
        "{times:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_comes_back_keeps_who_is_left() {
    let world = World::new();
    let peers = four(&world).await;
    let info = world.registry.handles()[0].info().clone();
    let halfway = Instant::now() + MINUTE / 2;
    world
        .registry
        .clone()
        .part(
            Arc::clone(&info.cluster),
            Arc::clone(&info.endpoint),
            plan(DrainOrder::OldestFirst),
            || Instant::now() < halfway,
        )
        .await;
    let mut told = Vec::new();
    for mut peer in peers {
        let mut frame = [0; 4];
        let close = tokio::time::timeout(MINUTE, peer.client.read_exact(&mut frame)).await;
        told.push(close.is_ok());
    }
    assert_eq!(told, [true, true, false, false]);
}
