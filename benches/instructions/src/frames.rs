//! Frames through a session, as the relay drives it: hand in what a read brought, do what it says.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_proto::frame::{Header, OpCode};
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{MessageKind, Observer};
use switchyard_proto::{Output, Policy, Session, Side};
use switchyard_relay::Meter;
use switchyard_telemetry::WorkerMetrics;
use switchyard_telemetry::labels::Protocol;

use crate::Case;

/// As much as one read of the relay brings.
const READ: usize = 64 * 1024;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        one_a_read("frame, 0 B", 2000, Side::Downstream, 0),
        one_a_read("frame, 128 B", 2000, Side::Downstream, 128),
        one_a_read("frame, 1 KiB", 2000, Side::Downstream, 1024),
        one_a_read("frame, 60 KiB", 200, Side::Downstream, 60 * 1024),
        one_a_read("frame, 128 B, from upstream", 2000, Side::Upstream, 128),
        sixteen_a_read(),
        metered("frame, 128 B, metered", 2000, 1),
        metered("16 frames in one read, 128 B each, metered", 500, 16),
        large(),
        split_header(),
        fragments(),
        ping(),
        life(),
    ]
}

fn one_a_read(name: &'static str, times: u32, from: Side, len: usize) -> Case {
    Case::new(name, times, move |times| {
        relay(from, times, &[&frame(from, OpCode::Binary, true, len)]);
    })
}

fn sixteen_a_read() -> Case {
    Case::new("16 frames in one read, 128 B each", 500, |times| {
        let stream = frame(Side::Downstream, OpCode::Binary, true, 128).repeat(16);
        relay(Side::Downstream, times, &[&stream]);
    })
}

fn large() -> Case {
    Case::new("frame of 1 MiB in 17 reads", 200, |times| {
        let stream = frame(Side::Upstream, OpCode::Binary, true, 1024 * 1024);
        let reads: Vec<&[u8]> = stream.chunks(READ).collect();
        relay(Side::Upstream, times, &reads);
    })
}

fn split_header() -> Case {
    Case::new("frame, 128 B, header in two reads", 1000, |times| {
        let stream = frame(Side::Downstream, OpCode::Binary, true, 128);
        let (first, rest) = stream.split_at(1);
        relay(Side::Downstream, times, &[first, rest]);
    })
}

fn fragments() -> Case {
    Case::new("message of 4 fragments in one read", 1000, |times| {
        let part = |opcode, fin| frame(Side::Downstream, opcode, fin, 128);
        let (first, middle) = (part(OpCode::Text, false), part(OpCode::Continuation, false));
        let stream = [
            first,
            middle.clone(),
            middle,
            part(OpCode::Continuation, true),
        ]
        .concat();
        relay(Side::Downstream, times, &[&stream]);
    })
}

fn ping() -> Case {
    Case::new("ping", 2000, |times| {
        let stream = frame(Side::Downstream, OpCode::Ping, true, 8);
        relay(Side::Downstream, times, &[&stream]);
    })
}

/// A session from its first moment to its last, with a closing handshake in between.
fn life() -> Case {
    Case::new("session: open, Close, ends", 500, |times| {
        let [down, up] = Side::BOTH.map(close);
        let (policy, now) = (policy(), Instant::now());
        for _ in 0..times {
            let mut session = Session::new(Arc::clone(&policy), Deflate::Off, || 7, now);
            let (mut seen, mut done) = (Seen::default(), Done::default());
            for (from, bytes) in [(Side::Downstream, &down), (Side::Upstream, &up)] {
                read(&mut session, from, bytes, now, &mut seen, &mut done);
            }
            for side in Side::BOTH {
                session.handle_eof(side, now);
                drain(&mut session, &mut done);
                session.handle_flushed(side, now);
            }
            assert!(matches!(session.poll_output(), Output::Finished(_)));
        }
    })
}

fn relay(from: Side, times: u32, reads: &[&[u8]]) {
    let mut seen = Seen::default();
    observed(from, times, reads, &mut seen);
    assert!(seen.frames >= u64::from(times), "every frame is seen");
}

/// The same with the gateway's own counts.
fn metered(name: &'static str, times: u32, frames: usize) -> Case {
    Case::new(name, times, move |times| {
        let traffic = WorkerMetrics::default().route("chat", Protocol::Http1);
        let stream = frame(Side::Downstream, OpCode::Binary, true, 128).repeat(frames);
        let mut meter = Meter::new(&traffic);
        observed(Side::Downstream, times, &[&stream], &mut meter);
    })
}

fn observed(from: Side, times: u32, reads: &[&[u8]], observer: &mut impl Observer) {
    let now = Instant::now();
    let mut session = Session::new(policy(), Deflate::Off, || 7, now);
    let mut done = Done::default();
    for _ in 0..times {
        for bytes in reads {
            let (from, bytes) = (black_box(from), black_box(bytes));
            read(&mut session, from, bytes, now, observer, &mut done);
        }
    }
    black_box(&done);
}

fn read(
    session: &mut Session,
    from: Side,
    mut bytes: &[u8],
    now: Instant,
    observer: &mut impl Observer,
    done: &mut Done,
) {
    while !bytes.is_empty() {
        let used = session.handle_input(from, bytes, now, observer);
        drain(session, done);
        bytes = &bytes[used..];
    }
}

/// Does what the session says, short of writing.
fn drain(session: &mut Session, done: &mut Done) {
    loop {
        match session.poll_output() {
            Output::Pass { len, .. } | Output::Skip { len, .. } => done.written += len,
            Output::Send { bytes, .. } => done.written += black_box(&*bytes).len(),
            Output::Publish { .. } | Output::Shutdown { .. } => done.written += 1,
            Output::Wait { until, .. } => {
                done.until = until;
                return;
            }
            Output::Finished(_) => return,
        }
    }
}

fn policy() -> Arc<Policy> {
    Arc::new(Policy {
        max_frame: Some(16 << 20),
        max_message: Some(16 << 20),
        idle_timeout: Some(Duration::from_mins(10)),
        pings: None,
        max_lifetime: None,
        close_timeout: Duration::from_secs(5),
    })
}

fn frame(from: Side, opcode: OpCode, fin: bool, len: usize) -> Vec<u8> {
    let payload = vec![0x5A; len];
    encoded(from, opcode, fin, &payload)
}

fn close(from: Side) -> Vec<u8> {
    let mask = [0x37, 0xFA, 0x21, 0x3D];
    let plain = 1000_u16.to_be_bytes();
    let masked = [plain[0] ^ mask[0], plain[1] ^ mask[1]];
    match from {
        Side::Downstream => encoded(from, OpCode::Close, true, &masked),
        Side::Upstream => encoded(from, OpCode::Close, true, &plain),
    }
}

fn encoded(from: Side, opcode: OpCode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        fin,
        rsv: 0,
        opcode,
        mask: (from == Side::Downstream).then_some([0x37, 0xFA, 0x21, 0x3D]),
        payload_len: payload.len() as u64,
    };
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(payload);
    bytes
}

/// Counts little, so that the session machine can be told from who observes it.
#[derive(Debug, Default)]
struct Seen {
    frames: u64,
    messages: u64,
    bytes: u64,
}

/// What the session had done.
#[derive(Debug, Default)]
struct Done {
    written: usize,
    until: Option<Instant>,
}

impl Observer for Seen {
    fn frame(&mut self, _: Side, _: OpCode, _: u64) {
        self.frames += 1;
    }

    fn message(&mut self, _: Side, _: MessageKind, len: u64) {
        self.messages += 1;
        self.bytes += len;
    }
}
