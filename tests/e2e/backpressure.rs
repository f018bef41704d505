//! A peer that does not read: the gateway keeps no more than `buffer_limit` for it, stops reading
//! its source, and loses nothing.

use std::io::Read as _;
use std::time::Duration;

use switchyard_testkit::limits::resident;
use switchyard_testkit::{Frame, Handshake, Peer, Socket, eventually, handshake};

use crate::support::{Ends, Stage};

/// How long a writer must be held up to count as held up. Too short only makes the flood smaller.
const HELD_UP: Duration = Duration::from_millis(300);
const SESSIONS: u64 = 12;
const BUFFER_LIMIT: u64 = 64 << 10;
/// What the sessions and the allocator may take beside the buffers.
const SLACK: u64 = 4 << 20;
/// More than all the kernel buffers on the way can hold: a gateway that takes it all keeps it.
const FLOOD: usize = 64 << 20;

fn stage() -> Stage {
    Stage::with(|settings| {
        settings
            .websocket("buffer_limit: 64KiB")
            .websocket("max_message: off")
            .websocket("max_frame: off")
    })
}

/// Opens a session whose client takes little into its kernel.
#[track_caller]
fn open_narrow(stage: &Stage) -> Ends {
    let mut socket = Socket::connect_narrow(stage.gateway.web(), 4096);
    socket.send(&Handshake::to("/").encode());
    let server = stage.endpoint.accept_websocket();
    Ends {
        client: handshake::finish(socket),
        server,
    }
}

/// One endless message: its header, and a block of its payload.
fn endless(peer: &Peer) -> (Vec<u8>, Vec<u8>) {
    let header = match peer.mask() {
        Some(mask) => [&[0x82, 0xFF], &(1_u64 << 40).to_be_bytes()[..], &mask].concat(),
        None => [&[0x82, 0x7F], &(1_u64 << 40).to_be_bytes()[..]].concat(),
    };
    (header, vec![7; 64 << 10])
}

/// Sends until the gateway takes no more.
#[track_caller]
fn flood(peer: &mut Peer) {
    let (header, block) = endless(peer);
    peer.socket().send(&header);
    let taken = peer.socket().fill(&block, HELD_UP, FLOOD);
    assert!(taken < FLOOD, "the gateway took everything");
}

/// Floods many sessions at once and checks the gateway's memory.
#[track_caller]
fn stays_bounded(direction: &str, flooder: impl Fn(&mut Ends) -> &mut Peer) {
    let stage = stage();
    let mut sessions: Vec<Ends> = (0..SESSIONS).map(|_| open_narrow(&stage)).collect();
    let before = resident(stage.gateway.id());
    for ends in &mut sessions {
        flood(flooder(ends));
    }
    let metrics = stage.gateway.metrics();
    let buffered = metrics.count("switchyard_buffered_bytes", &[("direction", direction)]);
    assert!(
        buffered <= SESSIONS * BUFFER_LIMIT,
        "{buffered} bytes are buffered"
    );
    assert_ne!(
        buffered,
        0,
        "nobody was held up: {:?}",
        metrics.about("switchyard_buffered_bytes")
    );
    let growth = resident(stage.gateway.id()).saturating_sub(before);
    assert!(
        growth <= SESSIONS * BUFFER_LIMIT + SLACK,
        "memory grew by {growth} bytes"
    );
}

#[test]
fn a_client_that_does_not_read() {
    stays_bounded("from_upstream", |ends| &mut ends.server);
}

#[test]
fn an_endpoint_that_does_not_read() {
    stays_bounded("from_downstream", |ends| &mut ends.client);
}

#[test]
fn a_slow_reader_gets_everything_in_the_end() {
    const BYTES: usize = 24 << 20;
    let stage = stage();
    let Ends {
        mut client,
        mut server,
    } = open_narrow(&stage);
    let message: Vec<u8> = (0..BYTES)
        .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[2])
        .collect();
    let frame = Frame::binary(message);
    let mut writer = server.socket().writer();
    let bytes = server.encode(&frame);
    std::thread::scope(|scope| {
        scope.spawn(|| writer.send(&bytes));
        // The reader waits until the gateway holds bytes for it, so that the writer is held up.
        let label = [("direction", "from_upstream")];
        let held = || {
            let buffered = stage
                .gateway
                .metrics()
                .count("switchyard_buffered_bytes", &label);
            (buffered > 0).then_some(())
        };
        eventually("the gateway to hold bytes", held);
        assert!(client.receive() == frame, "the message differs");
    });
    stage
        .gateway
        .wait_metric("switchyard_buffered_bytes", &[], 0);
    let held_up = stage
        .gateway
        .metrics()
        .get("switchyard_backpressure_seconds_total", &[]);
    assert!(held_up.is_some_and(|seconds| seconds > 0.0), "{held_up:?}");
}

#[test]
fn one_stuck_session_does_not_hold_up_another() {
    let stage = Stage::with(|settings| {
        settings
            .workers(1)
            .websocket("max_message: off")
            .websocket("max_frame: off")
    });
    let mut stuck = open_narrow(&stage);
    flood(&mut stuck.server);
    stage.open().talk();
    // The stuck one still goes the other way.
    stuck.client.send_text("I only do not read");
    assert_eq!(stuck.server.receive_text(), "I only do not read");
}

#[test]
fn a_stuck_client_that_goes_frees_what_was_kept_for_it() {
    let stage = stage();
    let mut ends = open_narrow(&stage);
    flood(&mut ends.server);
    ends.client.into_socket().reset();
    // The endpoint learns of it although it was not being read.
    let mut rest = Vec::new();
    let _ = ends.server.socket().read_to_end(&mut rest);
    stage
        .gateway
        .wait_metric("switchyard_buffered_bytes", &[], 0);
    stage.gateway.wait_metric("switchyard_sessions", &[], 0);
}
