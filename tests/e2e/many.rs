//! Many sessions at once: 9,000 of them, near what 20,000 descriptors allow one process.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, TcpStream};

use switchyard_testkit::limits::{raise_descriptors, resident};
use switchyard_testkit::{Handshake, Socket, handshake};

use crate::support::{Ends, Stage};

const SESSIONS: usize = 9_000;
/// Each takes two descriptors here and two in the gateway.
const DESCRIPTORS: u64 = 2 * 9_000 + 500;
/// Sessions that are opened before their answers are read: fewer than any accept queue.
const BATCH: usize = 100;

fn open_batch(stage: &Stage, first: usize) -> Vec<Ends> {
    // Several addresses, so that no one of them runs out of ports.
    let source = |n: usize| IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + u8::try_from(n % 8).unwrap()));
    open_batch_by(stage, first, |n| {
        Socket::connect_from(source(n), stage.gateway.web())
    })
}

fn open_batch_by(stage: &Stage, first: usize, connect: impl Fn(usize) -> Socket) -> Vec<Ends> {
    let ask = |n| {
        let mut socket = connect(n);
        socket.send(&Handshake::to(&format!("/{n}")).encode());
        socket
    };
    // The endpoint sees them in another order; the target says which is which.
    let asked: Vec<Socket> = (first..first + BATCH).map(ask).collect();
    let mut servers: Vec<_> = (0..BATCH)
        .map(|_| stage.endpoint.accept_websocket())
        .collect();
    servers.sort_by_key(|server| {
        server
            .head()
            .target()
            .trim_start_matches('/')
            .parse::<usize>()
            .unwrap()
    });
    let clients = asked.into_iter().map(handshake::finish);
    clients
        .zip(servers)
        .map(|(client, server)| Ends { client, server })
        .collect()
}

#[test]
fn nine_thousand_idle_sessions() {
    let limit = raise_descriptors();
    assert!(
        limit >= DESCRIPTORS,
        "this test needs {DESCRIPTORS} descriptors, the limit is {limit}"
    );
    let stage = Stage::new();
    let before = resident(stage.gateway.id());
    let mut sessions: Vec<Ends> = (0..SESSIONS / BATCH)
        .flat_map(|batch| open_batch(&stage, batch * BATCH))
        .collect();
    stage
        .gateway
        .wait_metric("switchyard_sessions", &[], SESSIONS as u64);

    let each = (resident(stage.gateway.id()) - before) / SESSIONS as u64;
    // docs/benchmarks.md says how much less it is. One read buffer of hyper's would be 8 KiB.
    assert!(each < 2 << 10, "an idle session takes {each} bytes");

    sessions.iter_mut().step_by(97).for_each(Ends::talk);
    drop(sessions);
    stage.gateway.wait_metric("switchyard_sessions", &[], 0);
    stage.open().talk();
}

const STALLED: usize = 4_000;
const BUFFER_LIMIT: usize = 16 << 10;
/// What a session takes beside its buffer, and the allocator for all of it.
const BESIDE: usize = 2 << 10;

/// One endless message: its header, and a block of its payload.
fn endless() -> (Vec<u8>, Vec<u8>) {
    let header = [&[0x82, 0x7F], &(1_u64 << 40).to_be_bytes()[..]].concat();
    (header, vec![7; 64 << 10])
}

/// Writes as much as is taken without waiting; how much that was.
fn press(mut server: &TcpStream, block: &[u8]) -> usize {
    let mut taken = 0;
    while let Ok(len) = server.write(block) {
        taken += len;
    }
    taken
}

#[test]
fn four_thousand_stalled_readers_stay_within_their_budget() {
    raise_descriptors();
    let stage = Stage::with(|settings| {
        settings
            .websocket("buffer_limit: 16KiB")
            .websocket("max_message: off")
            .websocket("max_frame: off")
    });
    let narrow = |_| Socket::connect_narrow(stage.gateway.web(), 4096);
    let mut sessions: Vec<Ends> = (0..STALLED / BATCH)
        .flat_map(|batch| open_batch_by(&stage, batch * BATCH, narrow))
        .collect();
    let before = resident(stage.gateway.id());
    let (header, block) = endless();
    let servers: Vec<TcpStream> = sessions
        .iter_mut()
        .map(|ends| {
            ends.server.socket().send(&header);
            ends.server.socket().narrow_sender()
        })
        .collect();
    // Nobody reads, so that it comes to a stop: a round in which nothing is taken any more.
    while servers
        .iter()
        .map(|server| press(server, &block))
        .sum::<usize>()
        > 0
    {}
    let label = [("direction", "from_upstream")];
    let buffered = stage
        .gateway
        .metrics()
        .count("switchyard_buffered_bytes", &label);
    let budget = (STALLED * BUFFER_LIMIT) as u64;
    assert!(buffered <= budget, "{buffered} bytes are buffered");
    assert!(
        buffered > budget / 8,
        "hardly anybody is held up: {buffered} bytes are buffered"
    );
    let growth = resident(stage.gateway.id()).saturating_sub(before);
    let most = budget + (STALLED * BESIDE) as u64;
    assert!(growth <= most, "memory grew by {growth} bytes");
    drop((sessions, servers));
    stage.gateway.wait_metric("switchyard_sessions", &[], 0);
    stage
        .gateway
        .wait_metric("switchyard_buffered_bytes", &label, 0);
}
