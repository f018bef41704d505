//! How sessions end: said, unsaid, half, or not at all.

use std::io::{self, Read as _};
use std::time::Duration;

use futures_util::FutureExt;
use socket2::SockRef;
use switchyard_proto::session::{Cause, Initiator};
use switchyard_proto::{Close, CloseCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::testing::*;
use switchyard_proto::Side::{Downstream, Upstream};

/// Everything that comes until the end of the stream, however it ends.
async fn rest(wire: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = wire.read_to_end(&mut bytes).await;
    bytes
}

/// The code of the Close frame that `bytes` are, masked with any key or not.
fn close_code(bytes: &[u8]) -> Option<u16> {
    let (masked, payload) = (bytes.get(1)? & 0x80 != 0, bytes.get(2..)?);
    let (key, payload) = if masked {
        payload.split_at_checked(4)?
    } else {
        (&[0; 4][..], payload)
    };
    let code = [payload.first()? ^ key[0], payload.get(1)? ^ key[1]];
    (bytes[0] == 0x88).then(|| u16::from_be_bytes(code))
}

#[tokio::test(start_paused = true)]
async fn a_close_of_the_endpoint_is_carried_both_ways() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    let code = CloseCode::new(4321);
    server
        .write_all(&close(Upstream, code))
        .await
        .expect("writes");
    let mut received = [0; 4];
    client.read_exact(&mut received).await.expect("the Close");
    assert_eq!(received[..], close(Upstream, code));
    client
        .write_all(&close(Downstream, code))
        .await
        .expect("writes");
    let mut received = [0; 8];
    server.read_exact(&mut received).await.expect("the answer");
    assert_eq!(received[..], close(Downstream, code));
    assert!(rest(&mut client).await.is_empty());
    assert!(
        server.read(&mut received).now_or_never().is_none(),
        "the endpoint ends first"
    );
    server.shutdown().await.expect("ends its stream");
    assert!(rest(&mut server).await.is_empty());
    assert!(!session.is_finished(), "the client has its time as well");
    drop(client);
    let closed = session.await.expect("no panic");
    assert_eq!(closed.outcome.initiator, Initiator::Upstream);
    assert_eq!(closed.outcome.code, code);
    assert_eq!(closed.outcome.cause, Cause::CloseFrame);
    assert!(closed.outcome.clean);
    assert!(closed.duration < Duration::from_millis(1));
}

#[tokio::test]
async fn sockets_of_peers_that_have_parted_are_dropped() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    let code = CloseCode::NORMAL;
    client
        .write_all(&close(Downstream, code))
        .await
        .expect("writes");
    let mut received = [0; 8];
    server.read_exact(&mut received).await.expect("the Close");
    let answer = close(Upstream, code);
    server.write_all(&answer).await.expect("writes");
    drop(server);
    // The client says nothing more, and does not end its stream.
    let closed = timeout(Duration::from_secs(10), session);
    let closed = closed.await.expect("it is over").expect("no panic");
    assert!(closed.outcome.clean);
    assert_eq!(rest(&mut client).await, answer);
}

/// What comes after the first bytes, as one who does nothing but look sees it.
fn what_follows(client: TcpStream) -> std::thread::JoinHandle<io::Result<usize>> {
    let mut client = client.into_std().expect("a socket");
    std::thread::spawn(move || {
        while let Err(error) = client.read(&mut [0; 64]) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
        client.read(&mut [0; 64])
    })
}

#[tokio::test]
async fn a_close_and_the_end_of_the_stream_are_one_segment() {
    let world = World::new();
    for _ in 0..50 {
        let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
        let session = world.spawn(leg(down), leg(up));
        let goodbye = close(Downstream, CloseCode::NORMAL);
        client.write_all(&goodbye).await.expect("writes");
        let mut received = [0; 8];
        server.read_exact(&mut received).await.expect("the Close");
        let follows = what_follows(client);
        let answer = close(Upstream, CloseCode::NORMAL);
        server.write_all(&answer).await.expect("writes");
        drop(server);
        assert!(session.await.expect("no panic").outcome.clean);
        let end = follows.join().expect("no panic");
        assert_eq!(end.expect("nothing to wait for"), 0);
    }
}

#[tokio::test]
async fn what_a_client_has_not_read_of_a_session_that_is_over_is_not_dropped() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    for end in [&client, &down] {
        let small = SockRef::from(end);
        small.set_recv_buffer_size(4096).expect("a socket");
        small.set_send_buffer_size(4096).expect("a socket");
    }
    let session = world.spawn(leg(down), leg(up));
    let goodbye = close(Downstream, CloseCode::NORMAL);
    client.write_all(&goodbye).await.expect("writes");
    let mut received = [0; 8];
    server.read_exact(&mut received).await.expect("the Close");
    let words = [
        text(Upstream, &"x".repeat(60_000)),
        close(Upstream, CloseCode::NORMAL),
    ]
    .concat();
    server.write_all(&words).await.expect("writes");
    server.shutdown().await.expect("ends its stream");
    while world.buffered("from_upstream") == 0 {
        assert!(!session.is_finished());
        tokio::task::yield_now().await;
    }
    assert!(!session.is_finished());
    assert!(rest(&mut client).await == words);
    assert!(session.await.expect("no panic").outcome.clean);
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_client_still_gets_its_answer() {
    let world = World::new().keeping_time();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    client
        .write_all(&text(Downstream, "last question"))
        .await
        .expect("writes");
    client.shutdown().await.expect("ends its stream");
    assert_eq!(rest(&mut server).await, text(Downstream, "last question"));
    server
        .write_all(&text(Upstream, "answer"))
        .await
        .expect("writes");
    server.shutdown().await.expect("ends its stream");
    assert_eq!(rest(&mut client).await, text(Upstream, "answer"));
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(
        (outcome.initiator, outcome.cause),
        (Initiator::Downstream, Cause::Eof)
    );
    assert_eq!(outcome.code, CloseCode::ABNORMAL);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_half_closes_and_stays_ends_in_bounded_time() {
    let world = World::new().keeping_time();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    let start = Instant::now();
    server.shutdown().await.expect("ends its stream");
    let closed = session.await.expect("no panic");
    assert_eq!(closed.outcome.cause, Cause::Eof);
    assert_eq!(closed.outcome.initiator, Initiator::Upstream);
    assert!(start.elapsed() <= 2 * world.policy.close_timeout + Duration::from_secs(1));
    assert_eq!(close_code(&rest(&mut client).await), Some(1012));
}

#[tokio::test]
async fn a_reset_of_the_endpoint_is_told_to_the_client() {
    let world = World::new();
    let ((mut client, down), (server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    server.set_zero_linger().expect("a socket");
    drop(server);
    let mut received = [0; 17];
    client.read_exact(&mut received).await.expect("a Close");
    assert_eq!(close_code(&received), Some(1012));
    client
        .write_all(&close(Downstream, CloseCode::SERVICE_RESTART))
        .await
        .expect("writes");
    assert!(rest(&mut client).await.is_empty());
    drop(client);
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(
        (outcome.initiator, outcome.cause),
        (Initiator::Upstream, Cause::Reset)
    );
    assert_eq!(outcome.code, CloseCode::ABNORMAL);
}

#[tokio::test]
async fn a_reset_of_the_client_ends_the_endpoints_stream() {
    let world = World::new();
    let ((client, down), (mut server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    client.set_zero_linger().expect("a socket");
    drop(client);
    assert!(rest(&mut server).await.is_empty());
    drop(server);
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(
        (outcome.initiator, outcome.cause),
        (Initiator::Downstream, Cause::Reset)
    );
}

#[tokio::test]
async fn a_reset_client_is_noticed_while_the_endpoint_floods_it() {
    let mut world = World::new().keeping_time();
    world.policy.close_timeout = Duration::from_millis(1);
    let ((client, down), (mut server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    world.start(async move {
        let message = frame(
            Upstream,
            switchyard_proto::frame::OpCode::Binary,
            &vec![1; 60_000],
        );
        while server.write_all(&message).await.is_ok() {}
    });
    while world.buffered("from_upstream") == 0 {
        tokio::task::yield_now().await;
    }
    client.set_zero_linger().expect("a socket");
    drop(client);
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(
        (outcome.initiator, outcome.cause),
        (Initiator::Downstream, Cause::Reset)
    );
    assert_eq!(world.buffered("from_upstream"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanished_does_not_outlive_the_close_timeout() {
    let world = World::new().keeping_time();
    let ((client, down), (server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    tokio::task::yield_now().await;
    let start = Instant::now();
    let handle = world.registry.handles().pop().expect("one session");
    handle.close(Cause::Admin, Close::from(CloseCode::GOING_AWAY));
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(
        (outcome.initiator, outcome.cause),
        (Initiator::Gateway, Cause::Admin)
    );
    assert!(!outcome.clean);
    let took = start.elapsed();
    assert!(took >= world.policy.close_timeout, "{took:?}");
    assert!(
        took <= 2 * world.policy.close_timeout + Duration::from_secs(1),
        "{took:?}"
    );
    drop((client, server));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_does_not_outlive_the_close_timeout() {
    let world = World::new().keeping_time();
    let ((client, down), (mut server, up)) = (duplex(16), duplex(2 * KIB));
    let words = [
        text(Upstream, &"x".repeat(1000)),
        close(Upstream, CloseCode::NORMAL),
    ];
    server.write_all(&words.concat()).await.expect("writes");
    let session = world.spawn(leg(down), leg(up));
    tokio::task::yield_now().await;
    assert!(world.buffered("from_upstream") > 900);
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(outcome.cause, Cause::CloseFrame);
    assert!(!outcome.clean);
    assert_eq!(world.buffered("from_upstream"), 0);
    drop((client, server));
}

#[tokio::test(start_paused = true)]
async fn a_cut_ends_at_once() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let session = world.spawn(leg(down), leg(up));
    tokio::task::yield_now().await;
    let start = Instant::now();
    world.registry.cut(Cause::Shutdown);
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(
        (outcome.initiator, outcome.cause),
        (Initiator::Gateway, Cause::Shutdown)
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(rest(&mut client).await.is_empty() && rest(&mut server).await.is_empty());
}

#[tokio::test]
async fn a_command_from_another_thread_wakes_an_idle_session() {
    let world = World::new();
    let ((_client, down), (_server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    tokio::task::yield_now().await;
    let registry = world.registry.clone();
    std::thread::spawn(move || registry.cut(Cause::DrainDeadline))
        .join()
        .expect("no panic");
    let outcome = session.await.expect("no panic").outcome;
    assert_eq!(outcome.cause, Cause::DrainDeadline);
}
