//! Deadlines of sessions, kept by the worker's timekeeper.

use std::time::Duration;

use switchyard_proto::session::Cause;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

use crate::testing::*;
use switchyard_proto::Side::Downstream;

const IDLE: Duration = Duration::from_mins(1);

fn idle_world() -> World {
    let mut world = World::new();
    world.policy.idle_timeout = Some(IDLE);
    world.keeping_time()
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_ended() {
    let world = idle_world();
    let ((client, down), (server, up)) = (duplex(KIB), duplex(KIB));
    let start = Instant::now();
    let closed = world.spawn(leg(down), leg(up)).await.expect("no panic");
    assert_eq!(closed.outcome.cause, Cause::IdleTimeout);
    assert!(start.elapsed() >= IDLE);
    assert!(closed.idle >= IDLE && closed.idle == closed.duration);
    drop((client, server));
}

#[tokio::test(start_paused = true)]
async fn activity_puts_the_end_off() {
    let world = idle_world();
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    let start = Instant::now();
    for _ in 0..5 {
        sleep(IDLE / 2).await;
        let message = text(Downstream, "still here");
        client.write_all(&message).await.expect("writes");
        let mut received = vec![0; message.len()];
        server.read_exact(&mut received).await.expect("reads");
    }
    let active = start.elapsed();
    let mut received = Vec::new();
    server.read_to_end(&mut received).await.expect("reads");
    let took = start.elapsed().saturating_sub(active);
    assert!(took >= IDLE, "{took:?}");
    assert!(took < IDLE + 2 * world.policy.close_timeout, "{took:?}");
    let closed = session.await.expect("no panic");
    assert_eq!(closed.outcome.cause, Cause::IdleTimeout);
    assert_eq!(closed.from_downstream.messages, 5);
}
