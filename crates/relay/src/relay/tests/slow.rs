//! A peer that does not read.

use std::time::Duration;

use switchyard_proto::Side::Upstream;
use switchyard_proto::frame::OpCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::timeout;

use crate::testing::*;

/// What the pipes of these tests hold.
const PIPE: usize = 8 * KIB;

/// How much of a stream of 100 MB is taken before nothing more is.
async fn taken(wire: &mut (impl tokio::io::AsyncWrite + Unpin), stream: &[u8]) -> usize {
    let mut taken = 0;
    while let Ok(written) = timeout(LONG, wire.write(&stream[taken..])).await {
        taken += written.expect("writes");
    }
    taken
}

fn hundred_megabytes() -> Vec<u8> {
    frame(Upstream, OpCode::Binary, &vec![42; 100_000_000])
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_stops_its_endpoint() {
    let mut world = World::new();
    for limit in [4 * KIB, 32 * KIB, 256 * KIB] {
        world.buffer_limit = limit;
        let ((mut client, down), (mut server, up)) = (duplex(PIPE), duplex(PIPE));
        let session = world.spawn(leg(down), leg(up));
        let stream = hundred_megabytes();
        let sent = taken(&mut server, &stream).await;
        let buffered = world.buffered("from_upstream");
        assert!((1..=limit).contains(&buffered), "{buffered} of {limit}");
        assert!(sent <= 2 * PIPE + limit, "{sent} taken with {limit}");

        let mut received = vec![0; sent];
        client
            .read_exact(&mut received)
            .await
            .expect("all that was taken");
        assert!(received == stream[..sent]);
        assert_eq!(world.buffered("from_upstream"), 0);
        session.abort();
        let _ = session.await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_other_direction_goes_on() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (duplex(PIPE), duplex(PIPE));
    let _session = world.spawn(leg(down), leg(up));
    taken(&mut server, &hundred_megabytes()).await;
    for _ in 0..100 {
        let ping = text(switchyard_proto::Side::Downstream, "still here");
        client.write_all(&ping).await.expect("writes");
        let mut received = vec![0; ping.len()];
        timeout(LONG, server.read_exact(&mut received))
            .await
            .expect("in time")
            .expect("reads");
        assert_eq!(received, ping);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_is_counted_when_it_ends() {
    let world = World::new();
    let way = r#"direction="from_upstream""#;
    let seconds = || world.sample::<f64>("switchyard_backpressure_seconds_total", way);
    let ((mut client, down), (mut server, up)) = (duplex(PIPE), duplex(PIPE));
    let _session = world.spawn(leg(down), leg(up));
    server
        .write_all(&frame(Upstream, OpCode::Binary, &[7; 10_000]))
        .await
        .expect("writes");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(seconds() < 0.5);
    let mut received = vec![0; 10_004];
    client.read_exact(&mut received).await.expect("all of it");
    assert!((seconds() - 30.0).abs() < 0.5, "{}", seconds());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_leaves_nothing_behind() {
    let world = World::new();
    let ((_client, down), (mut server, up)) = (duplex(PIPE), duplex(PIPE));
    let session = world.spawn(leg(down), leg(up));
    taken(&mut server, &hundred_megabytes()).await;
    assert!(world.buffered("from_upstream") > 0);
    assert_eq!(world.registry.len(), 1);
    session.abort();
    assert!(session.await.is_err());
    assert_eq!(world.buffered("from_upstream"), 0);
    assert_eq!(world.sessions(), 0);
    assert!(world.registry.is_empty());
}

#[tokio::test]
async fn a_slow_client_over_tcp_gets_everything() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    let _session = world.spawn(leg(down), leg(up));
    let stream = frame(Upstream, OpCode::Binary, &vec![42; 20_000_000]);
    let copy = stream.clone();
    world.start(async move { server.write_all(&copy).await.expect("writes") });
    while world.buffered("from_upstream") == 0 {
        tokio::task::yield_now().await;
    }
    let mut received = vec![0; stream.len()];
    client.read_exact(&mut received).await.expect("all of it");
    assert!(received == stream);
    assert_eq!(world.buffered("from_upstream"), 0);
}
