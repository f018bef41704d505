//! Records of sessions that go from one process to the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_edge::Moving;
use switchyard_proto::record::{Reader, Writer};
use switchyard_proto::session::{Frozen, Lifetime, Output, Pings, Policy};
use switchyard_proto::{CloseCode, Session, Side};

/// Bytes that follow are shown to the session in pieces of this length.
const PIECE: usize = 7;

/// More outputs than any call has.
const MANY: usize = 100;

/// The first byte says what the rest is: the record of an edge, or that of a session with what comes next.
pub fn moving(input: &[u8]) {
    match input.split_first() {
        Some((b's', record)) => session(record),
        Some((b'e', record)) => whole(record),
        _ => {}
    }
}

/// What is read is written the same again.
fn whole(record: &[u8]) {
    let now = Instant::now();
    if let Ok(moving) = Moving::decode(record, now) {
        assert_eq!(moving.encode(now), record);
    }
}

/// A session goes on from whatever a record says it was.
fn session(record: &[u8]) {
    let mut reader = Reader::new(record);
    let Ok(frozen) = Frozen::read(&mut reader) else {
        return;
    };
    let rest = reader.rest();
    let mut again = Writer::new();
    frozen.write(&mut again);
    assert_eq!([&again.finish(), rest].concat(), record);
    for policy in [policy(None), policy(Some(Duration::from_secs(5)))] {
        let now = Instant::now();
        let session = Session::restore(frozen.clone(), Arc::new(policy), || 7, now);
        go_on(session, rest, now);
    }
}

fn policy(time: Option<Duration>) -> Policy {
    Policy {
        max_frame: None,
        max_message: Some(1 << 20),
        idle_timeout: time,
        pings: time.map(|time| Pings {
            interval: time / 5,
            timeout: time / 5,
        }),
        max_lifetime: time.map(|after| Lifetime {
            after,
            jitter: Duration::ZERO,
            close: CloseCode::GOING_AWAY.into(),
        }),
        close_timeout: Duration::from_secs(1),
    }
}

/// Shows it what comes, from either side in turn, while time passes.
fn go_on(mut session: Session, input: &[u8], mut now: Instant) {
    settle(&mut session);
    for (turn, piece) in input.chunks(PIECE).enumerate() {
        let from = Side::BOTH[turn % 2];
        let (mut piece, mut is_stuck) = (piece, false);
        while !piece.is_empty() {
            let used = session.handle_input(from, piece, now, &mut ());
            // Once it may be that something of the gateway's own goes first.
            assert!(used > 0 || !is_stuck, "nothing moves");
            is_stuck = used == 0;
            settle(&mut session);
            piece = &piece[used..];
        }
        now += Duration::from_millis(300);
        session.handle_timeout(now);
        settle(&mut session);
    }
}

/// Polls it to its end, which there is.
fn settle(session: &mut Session) {
    for _ in 0..MANY {
        if let Output::Wait { .. } | Output::Finished(_) = session.poll_output() {
            return;
        }
    }
    panic!("no end of outputs");
}
