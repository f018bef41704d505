//! Many sessions at once: 9,000 of them, near what 20,000 descriptors allow one process.

use std::net::{IpAddr, Ipv4Addr};

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
    let ask = |n| {
        let mut socket = Socket::connect_from(source(n), stage.gateway.web());
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
    // Less than one read buffer of hyper's: whatever pins one is found here.
    assert!(each < 8 << 10, "an idle session takes {each} bytes");

    sessions.iter_mut().step_by(97).for_each(Ends::talk);
    drop(sessions);
    stage.gateway.wait_metric("switchyard_sessions", &[], 0);
    stage.open().talk();
}
