//! Who is asked to go, and when.

use switchyard_proto::{CloseCode, Side};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;
use crate::testing::{KIB, LONG, World, leg, text};
use crate::{Closed, DrainOrder, SessionId};

const MINUTE: Duration = Duration::from_mins(1);

fn plan(order: DrainOrder) -> DrainPlan {
    DrainPlan {
        over: MINUTE,
        order,
        close: CloseCode::SERVICE_RESTART.into(),
        seed: 11,
    }
}

/// Everyone of this worker.
fn everyone(world: &World, plan: &DrainPlan) -> Asking {
    Asking::everyone(std::slice::from_ref(&world.registry), plan, Cause::Drain)
}

/// Asks at the planned pace, beside the test.
fn start(world: &World, asking: &Asking) {
    let asking = asking.clone();
    world.start(async move { asking.run(asking.pace(), || true).await });
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
    let begun = Instant::now();
    start(&world, &everyone(&world, &plan(order)));
    let times = asked(&mut peers, begun).await;
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

#[tokio::test(start_paused = true)]
async fn the_registry_is_empty_when_the_peers_have_gone() {
    let world = World::new().keeping_time();
    let mut peers = four(&world).await;
    peers[3].session.abort();
    start(&world, &everyone(&world, &plan(DrainOrder::OldestFirst)));
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
    start(&world, &everyone(&world, &plan(DrainOrder::IdleFirst)));
    let begun = Instant::now();
    let mut late = [open(&world)];
    assert_eq!(asked(&mut late, begun).await, [Duration::ZERO]);
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
    start(&world, &everyone(&world, &plan(DrainOrder::OldestFirst)));
    sleep(MINUTE / 2).await;
    world.registry.cut(Cause::DrainDeadline);
    let mut causes = Vec::new();
    for peer in peers {
        causes.push(peer.session.await.expect("no panic").outcome.cause);
    }
    assert_eq!(causes[3], Cause::DrainDeadline);
    assert_eq!(causes[0], Cause::Drain);
}

/// Those of an endpoint.
fn of_endpoint(world: &World, endpoint: &str) -> Asking {
    let registries = std::slice::from_ref(&world.registry);
    let wanted = |info: &SessionInfo| *info.endpoint == *endpoint;
    let plan = plan(DrainOrder::OldestFirst);
    Asking::among(registries, wanted, &plan, Cause::EndpointLeft)
}

#[tokio::test(start_paused = true)]
async fn only_those_that_are_meant_are_asked() {
    let world = World::new();
    let mut peers = four(&world).await;
    let elsewhere = of_endpoint(&world, "10.0.0.1:9");
    assert_eq!(elsewhere.progress().total, 0);
    elsewhere.run(elsewhere.pace(), || true).await;
    let begun = Instant::now();
    start(&world, &of_endpoint(&world, "127.0.0.1:9"));
    let times = asked(&mut peers, begun).await;
    assert!(
        times.is_sorted() && times[0] < MINUTE / 4 && times[3] >= MINUTE / 4 * 3,
        "{times:?}"
    );
}

/// Which of them have a Close, after a long time.
async fn told(peers: Vec<Peers>) -> Vec<bool> {
    let mut told = Vec::new();
    for mut peer in peers {
        let mut frame = [0; 4];
        let close = tokio::time::timeout(MINUTE, peer.client.read_exact(&mut frame)).await;
        told.push(close.is_ok());
    }
    told
}

#[tokio::test(start_paused = true)]
async fn who_was_not_asked_stays_when_it_holds_no_longer() {
    let world = World::new();
    let peers = four(&world).await;
    let asking = of_endpoint(&world, "127.0.0.1:9");
    let halfway = Instant::now() + MINUTE / 2;
    asking.run(asking.pace(), || Instant::now() < halfway).await;
    assert_eq!(told(peers).await, [true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn who_was_not_asked_stays_when_it_is_stopped() {
    let world = World::new();
    let peers = four(&world).await;
    let asking = of_endpoint(&world, "127.0.0.1:9");
    let running = asking.run(asking.pace(), || true);
    let stopping = async {
        sleep(MINUTE / 2).await;
        asking.cancel();
        Instant::now()
    };
    let (ended, stopped) = tokio::join!(
        async {
            running.await;
            Instant::now()
        },
        stopping
    );
    assert_eq!(ended, stopped);
    let progress = asking.progress();
    assert_eq!((progress.asked, progress.waiting), (2, 0));
    assert_eq!(progress.eta, Duration::ZERO);
    assert_eq!(told(peers).await, [true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn progress_says_how_far_it_is() {
    let world = World::new();
    let mut peers = four(&world).await;
    let asking = of_endpoint(&world, "127.0.0.1:9");
    let counts = || {
        let progress = asking.progress();
        assert_eq!(progress.total, 4);
        (progress.asked, progress.waiting, progress.left)
    };
    assert_eq!(counts(), (0, 4, 4));
    assert_eq!(asking.progress().eta, Duration::from_mins(1));
    start(&world, &asking);
    sleep(MINUTE / 2).await;
    assert_eq!(counts(), (2, 2, 4));
    let early = (MINUTE / 2).saturating_sub(asking.progress().eta);
    assert!(early <= Duration::from_millis(1), "{early:?}");
    // One goes that was not asked.
    peers.remove(2).session.abort();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(counts(), (2, 1, 3));
    sleep(MINUTE).await;
    assert_eq!(counts(), (3, 0, 3));
    assert_eq!(asking.progress().eta, Duration::ZERO);
    drop(peers);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(counts(), (3, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_first_of_an_order_are_asked_and_no_more() {
    let world = World::new();
    let peers = four(&world).await;
    let plan = plan(DrainOrder::OldestFirst);
    let asking = Asking::first_of(1, world.registry.handles(), &plan, Cause::Rebalanced);
    asking.run(asking.pace(), || true).await;
    assert_eq!(asking.progress().total, 1);
    assert_eq!(told(peers).await, [true, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_cut_spares_nobody_of_it() {
    let world = World::new().keeping_time();
    let peers = four(&world).await;
    let asking = of_endpoint(&world, "127.0.0.1:9");
    start(&world, &asking);
    sleep(MINUTE / 2).await;
    asking.cut(Cause::DrainDeadline);
    for peer in peers {
        peer.session.await.expect("no panic");
    }
    assert_eq!(asking.progress().left, 0);
}
