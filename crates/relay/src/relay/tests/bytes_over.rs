//! What one peer sends is what the other gets.

use bytes::Bytes;
use proptest::prelude::*;
use switchyard_proto::CloseCode;
use switchyard_proto::frame::OpCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::Leg;
use crate::testing::*;
use switchyard_proto::Side::{Downstream, Upstream};

/// Reads as many bytes as are expected, and says which.
async fn got(wire: &mut (impl tokio::io::AsyncRead + Unpin), expected: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; expected.len()];
    wire.read_exact(&mut bytes)
        .await
        .expect("as many bytes as expected");
    bytes
}

#[tokio::test]
async fn messages_go_both_ways_over_tcp_and_are_counted() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    let session = world.spawn(leg(down), leg(up));
    let (hello, answer) = (text(Downstream, "hello"), text(Upstream, "hello yourself"));
    for _ in 0..2 {
        client.write_all(&hello).await.expect("writes");
        assert_eq!(got(&mut server, &hello).await, hello);
    }
    server.write_all(&answer).await.expect("writes");
    assert_eq!(got(&mut client, &answer).await, answer);
    assert_eq!(world.sessions(), 1);
    let bye = close(Downstream, CloseCode::NORMAL);
    client.write_all(&bye).await.expect("writes");
    assert_eq!(got(&mut server, &bye).await, bye);
    let bye = close(Upstream, CloseCode::NORMAL);
    server.write_all(&bye).await.expect("writes");
    assert_eq!(got(&mut client, &bye).await, bye);
    drop((client, server));
    let closed = session.await.expect("no panic");
    assert!(closed.outcome.clean);
    assert_eq!(closed.from_downstream.bytes, 2 * 11 + 8);
    assert_eq!(closed.from_downstream.messages, 2);
    assert_eq!(closed.from_upstream.largest_message, 14);
    let count =
        |name, from, more| -> usize { world.sample(name, &format!("direction=\"{from}\"{more}")) };
    let (frames, text) = ("switchyard_frames_total", ",opcode=\"text\"");
    assert_eq!(count(frames, "from_downstream", text), 2);
    assert_eq!(count(frames, "from_upstream", text), 1);
    let (messages, text) = ("switchyard_messages_total", ",kind=\"text\"");
    assert_eq!(count(messages, "from_downstream", text), 2);
    assert_eq!(count(messages, "from_upstream", text), 1);
    assert_eq!(count("switchyard_bytes_total", "from_downstream", ""), 30);
    assert_eq!(world.sessions(), 0);
    assert!(world.registry.is_empty());
}

#[tokio::test]
async fn one_byte_at_a_time_arrives_whole() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    client.set_nodelay(true).expect("a socket");
    let _session = world.spawn(leg(down), leg(up));
    let mut sent = text(Downstream, &"x".repeat(200));
    sent.extend(frame(Downstream, OpCode::Ping, b"are you there"));
    sent.extend(frame(Downstream, OpCode::Binary, &[0; 300]));
    for byte in &sent {
        client.write_all(&[*byte]).await.expect("writes");
        tokio::task::yield_now().await;
    }
    assert_eq!(got(&mut server, &sent).await, sent);
}

#[tokio::test]
async fn early_bytes_of_both_sides_go_first() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let greeting = text(Upstream, "welcome");
    let (first, second) = (text(Downstream, "first"), text(Downstream, "second"));
    client.write_all(&second).await.expect("writes");
    let _session = world.spawn(
        Leg {
            io: down,
            early: Bytes::from(first.clone()),
        },
        Leg {
            io: up,
            early: Bytes::from(greeting.clone()),
        },
    );
    let both = [first, second].concat();
    assert_eq!(got(&mut server, &both).await, both);
    assert_eq!(got(&mut client, &greeting).await, greeting);
}

#[tokio::test(start_paused = true)]
async fn early_bytes_wait_for_a_slow_peer_like_all_others() {
    let mut world = World::new();
    world.buffer_limit = 4 * KIB;
    let ((_client, down), (mut server, up)) = (duplex(KIB), duplex(KIB));
    let early = frame(Downstream, OpCode::Binary, &vec![5; 20 * KIB]);
    let _session = world.spawn(
        Leg {
            io: down,
            early: early.clone().into(),
        },
        leg(up),
    );
    tokio::time::sleep(LONG).await;
    let buffered = world.buffered("from_downstream");
    assert!((1..=4096).contains(&buffered), "{buffered}");
    assert_eq!(got(&mut server, &early).await, early);
}

#[tokio::test]
async fn large_messages_arrive_whole_over_tcp() {
    let world = World::new();
    let ((client, down), (server, up)) = (tcp().await, tcp().await);
    let _session = world.spawn(leg(down), leg(up));
    let payload: Vec<u8> = (0_u32..4_000_000).flat_map(u32::to_le_bytes).collect();
    let (up, down) = (
        frame(Downstream, OpCode::Binary, &payload),
        frame(Upstream, OpCode::Binary, &payload),
    );
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let ((), (), at_server, at_client) = tokio::join!(
        async { to_client.write_all(&up).await.expect("writes") },
        async { to_server.write_all(&down).await.expect("writes") },
        got(&mut from_server, &up),
        got(&mut from_client, &down),
    );
    assert!(at_server == up && at_client == down);
}

/// Messages, and how they are cut when they are written.
#[derive(Clone, Debug)]
struct Stream {
    frames: Vec<(OpCode, Vec<u8>)>,
    cuts: Vec<usize>,
}

fn stream() -> impl Strategy<Value = Stream> {
    let opcode = prop_oneof![
        3 => Just(OpCode::Text),
        3 => Just(OpCode::Binary),
        1 => Just(OpCode::Ping),
        1 => Just(OpCode::Pong),
    ];
    let frame =
        (opcode, prop::collection::vec(any::<u8>(), 0..600)).prop_map(|(opcode, mut payload)| {
            payload.truncate(if opcode.is_control() { 125 } else { 600 });
            (opcode, payload)
        });
    let cuts = prop::collection::vec(1..400_usize, 1..20);
    (prop::collection::vec(frame, 0..30), cuts).prop_map(|(frames, cuts)| Stream { frames, cuts })
}

impl Stream {
    fn bytes(&self, from: switchyard_proto::Side) -> Vec<u8> {
        self.frames
            .iter()
            .flat_map(|(opcode, payload)| frame(from, *opcode, payload))
            .collect()
    }

    /// Writes the bytes in pieces, letting others run between them.
    async fn write(&self, bytes: &[u8], wire: &mut tokio::io::WriteHalf<DuplexStream>) {
        let mut rest = bytes;
        for cut in self.cuts.iter().cycle() {
            if rest.is_empty() {
                return;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            wire.write_all(piece).await.expect("writes");
            tokio::task::yield_now().await;
            rest = after;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_through_any_pipe_gives_the_same_bytes(
        sent in stream(),
        answered in stream(),
        pipes in (1..200_usize, 1..200_usize),
        early in (0..300_usize, 0..300_usize),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut world = World::new();
            world.buffer_limit = 4 * KIB;
            let ((client, down), (server, up)) = (duplex(pipes.0), duplex(pipes.1));
            let (to_server, to_client) = (sent.bytes(Downstream), answered.bytes(Upstream));
            let (early_up, late_up) = to_server.split_at(early.0.min(to_server.len()));
            let (early_down, late_down) = to_client.split_at(early.1.min(to_client.len()));
            let _session = world.spawn(
                Leg { io: down, early: Bytes::copy_from_slice(early_up) },
                Leg { io: up, early: Bytes::copy_from_slice(early_down) },
            );
            let (mut client_reads, mut client_writes) = tokio::io::split(client);
            let (mut server_reads, mut server_writes) = tokio::io::split(server);
            let ((), (), at_server, at_client) = tokio::join!(
                sent.write(late_up, &mut client_writes),
                answered.write(late_down, &mut server_writes),
                got(&mut server_reads, &to_server),
                got(&mut client_reads, &to_client),
            );
            assert!(at_server == to_server && at_client == to_client);
        });
    }
}
