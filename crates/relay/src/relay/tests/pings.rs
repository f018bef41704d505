//! The gateway's own Pings: on time, and no side given up that only could not be heard.

use std::time::Duration;

use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::frame::{Decoded, Header, OpCode};
use switchyard_proto::session::{Cause, Pings};
use switchyard_proto::{CloseCode, mask};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, advance, sleep, timeout};

use super::*;
use crate::testing::*;

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Alarms are this coarse.
const TICK: Duration = Duration::from_millis(101);

fn pinging() -> World {
    let mut world = World::new();
    world.policy.pings = Some(Pings {
        interval: INTERVAL,
        timeout: TIMEOUT,
    });
    world.keeping_time()
}

/// Reads a Ping of the gateway's own; the Pong to it.
async fn pong(side: Side, wire: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = vec![0; if side == Upstream { 14 } else { 10 }];
    timeout(LONG, wire.read_exact(&mut bytes))
        .await
        .expect("in time")
        .expect("a Ping");
    answer(side, &bytes)
}

fn answer(side: Side, ping: &[u8]) -> Vec<u8> {
    let Ok(Decoded::Header(header, len)) = Header::decode(ping) else {
        panic!("no header: {ping:?}");
    };
    assert_eq!(header.opcode, OpCode::Ping);
    let mut payload = ping[len..].to_vec();
    if let Some(key) = header.mask {
        mask::apply(&mut payload, key);
    }
    frame(side, OpCode::Pong, &payload)
}

fn count(world: &World, side: &str, result: &str) -> usize {
    world.sample(
        "switchyard_pings_total",
        &format!("side=\"{side}\",result=\"{result}\""),
    )
}

#[tokio::test(start_paused = true)]
async fn both_sides_are_pinged_and_their_answers_go_no_further() {
    let world = pinging();
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    for round in 1..=3 {
        let start = Instant::now();
        let (from_client, from_server) = (
            pong(Downstream, &mut client).await,
            pong(Upstream, &mut server).await,
        );
        assert!((INTERVAL..INTERVAL + TICK).contains(&start.elapsed()));
        sleep(Duration::from_millis(40)).await;
        client.write_all(&from_client).await.expect("writes");
        server.write_all(&from_server).await.expect("writes");
        sleep(Duration::from_millis(1)).await;
        for side in ["downstream", "upstream"] {
            assert_eq!(count(&world, side, "answered"), round);
        }
    }
    let handle = world.registry.handles().pop().expect("it is open");
    assert!(handle.idle(crate::now()) > 3 * INTERVAL, "Pongs are no use");
    drop(client);
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).await.expect("reads");
    assert_eq!(rest, b"", "nothing but Pings came through");
    drop(server);
    let closed = session.await.expect("no panic");
    for rtt in [closed.ping_rtt_downstream, closed.ping_rtt_upstream] {
        assert_eq!(rtt, Some(Duration::from_millis(40)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_that_does_not_answer_is_dropped() {
    let world = pinging();
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    let from_server = pong(Upstream, &mut server).await;
    server.write_all(&from_server).await.expect("writes");
    let start = Instant::now();
    let mut told = vec![0; 4 + 2 + 2 + "ping_timeout".len()];
    server.read_exact(&mut told).await.expect("a Close");
    assert_eq!(told[0], 0x88);
    server
        .write_all(&close(Upstream, CloseCode::GOING_AWAY))
        .await
        .expect("writes");
    server.shutdown().await.expect("shuts down");
    let closed = session.await.expect("no panic");
    assert_eq!(closed.outcome.cause, Cause::PingTimeout(Downstream));
    assert!((TIMEOUT..TIMEOUT + TICK).contains(&start.elapsed()));
    assert_eq!(count(&world, "downstream", "timeout"), 1);
    assert_eq!(count(&world, "upstream", "timeout"), 0);
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.expect("reads");
    assert_eq!(received.len(), 10, "the Ping and nothing more");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_neither_pinged_nor_given_up() {
    let mut world = pinging();
    world.buffer_limit = 4 * KIB;
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    let message = frame(Upstream, OpCode::Binary, &vec![7; 100 * KIB]);
    let sent = message.clone();
    let (kept, gone) = tokio::sync::oneshot::channel();
    world.start(async move {
        server.write_all(&sent).await.expect("all of it is taken");
        let _ = kept.send(server);
    });
    sleep(100 * INTERVAL).await;
    assert!(!session.is_finished());
    let mut received = vec![0; message.len()];
    client.read_exact(&mut received).await.expect("all of it");
    assert!(received == message);
    let start = Instant::now();
    let mut server = gone.await.expect("it is there");
    let from_client = pong(Downstream, &mut client).await;
    assert!(start.elapsed() <= INTERVAL + TICK);
    client.write_all(&from_client).await.expect("writes");
    let from_server = pong(Upstream, &mut server).await;
    server.write_all(&from_server).await.expect("writes");
    sleep(2 * TIMEOUT).await;
    assert!(!session.is_finished());
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_read_is_a_sign_of_life() {
    let world = pinging();
    let (client, server) = (Scripted::default(), Scripted::default());
    let mut relay = world.relay(leg(client.clone()), leg(server.clone()));
    let handle = world.registry.handles().pop().expect("it is open");
    let mut poll = || {
        handle.ring();
        Pin::new(&mut relay).poll(&mut Context::from_waker(std::task::Waker::noop()))
    };
    assert!(poll().is_pending());
    advance(INTERVAL).await;
    assert!(poll().is_pending());
    // The worker has been away meanwhile, and the answers have been there for long.
    advance(100 * TIMEOUT).await;
    for (side, wire) in [(Downstream, &client), (Upstream, &server)] {
        let ping = wire.script().written.concat();
        wire.script()
            .reads
            .push_back(Read::Bytes(answer(side, &ping)));
    }
    assert!(poll().is_pending());
    for side in ["downstream", "upstream"] {
        assert_eq!(count(&world, side, "answered"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_lived_long_enough_is_ended() {
    let mut world = World::new();
    world.policy.max_lifetime = Some(switchyard_proto::session::Lifetime {
        after: LONG,
        jitter: Duration::ZERO,
        close: CloseCode::GOING_AWAY.into(),
    });
    let world = world.keeping_time();
    let ((client, down), (server, up)) = (duplex(KIB), duplex(KIB));
    let start = Instant::now();
    let closed = world.spawn(leg(down), leg(up)).await.expect("no panic");
    assert_eq!(closed.outcome.cause, Cause::MaxLifetime);
    let took = start.elapsed();
    assert!((LONG..LONG + world.policy.close_timeout + 2 * TICK).contains(&took));
    drop((client, server));
}
