//! A caller that keeps to the protocol of `session`'s documentation and writes at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_proto::frame::OpCode;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{
    Cause, MessageKind, Observer, Outcome, Output, Policy, Session, WaitReason,
};
use switchyard_proto::{Close, CloseCode, Side};

use crate::frames::{BINARY, Frame, PONG, PUBLISHED, frame, own_ping, read};

pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a caller sees, payload left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Pass(Side, usize),
    Skip(Side, usize),
    Send(Side, usize),
    Publish(Side),
    Shutdown(Side),
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) frames: Vec<(Side, OpCode, u64)>,
    pub(crate) messages: Vec<(Side, MessageKind, u64)>,
    pub(crate) answers: Vec<(Side, Duration)>,
}

impl Observer for Seen {
    fn frame(&mut self, from: Side, opcode: OpCode, payload_len: u64) {
        self.frames.push((from, opcode, payload_len));
    }

    fn message(&mut self, from: Side, kind: MessageKind, len: u64) {
        self.messages.push((from, kind, len));
    }

    fn answered(&mut self, from: Side, rtt: Duration) {
        self.answers.push((from, rtt));
    }
}

/// Whether shutdowns are reported as flushed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    AtOnce,
    Never,
}

pub(crate) struct Harness {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    pub(crate) opened: Instant,
    pub(crate) seen: Seen,
    pub(crate) flush: Flush,
    pub(crate) waits: (Option<Instant>, WaitReason),
    pub(crate) outcome: Option<Outcome>,
    /// What was done since the last look.
    ops: Vec<Op>,
    queued: [usize; 2],
    out: [Vec<u8>; 2],
    fin: [bool; 2],
    /// The payload of the gateway's last Ping to each side, until it is answered.
    pinged: [Option<Vec<u8>>; 2],
}

pub(crate) fn policy() -> Policy {
    Policy {
        max_frame: None,
        max_message: None,
        idle_timeout: None,
        pings: None,
        max_lifetime: None,
        close_timeout: CLOSE_TIMEOUT,
    }
}

/// Numbers as a caller hands them in, from a seed of the tests' own.
fn random() -> impl FnMut() -> u64 {
    let mut number = 0x5eed_0000_u64;
    move || {
        number = number.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(99);
        number
    }
}

pub(crate) fn published(to: Side) -> Vec<u8> {
    frame(to.other(), BINARY, &[PUBLISHED, b"news"].concat())
}

fn index(side: Side) -> usize {
    match side {
        Side::Downstream => 0,
        Side::Upstream => 1,
    }
}

/// The reason in a Close.
pub(crate) fn reason(frame: &Frame) -> &str {
    std::str::from_utf8(frame.payload.get(2..).unwrap_or_default()).unwrap()
}

/// All whole frames, and how many bytes of another follow.
pub(crate) fn read_all(bytes: &[u8]) -> (Vec<Frame>, usize) {
    let (mut frames, mut rest) = (Vec::new(), bytes);
    while let Some(frame) = read(rest) {
        rest = &rest[frame.len..];
        frames.push(frame);
    }
    (frames, rest.len())
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(policy())
    }

    pub(crate) fn with(policy: Policy) -> Self {
        let now = Instant::now();
        let mut harness = Self {
            session: Session::new(Arc::new(policy), Deflate::Off, random(), now),
            now,
            opened: now,
            seen: Seen::default(),
            flush: Flush::AtOnce,
            waits: (None, WaitReason::Input),
            outcome: None,
            ops: Vec::new(),
            queued: [0; 2],
            out: [Vec::new(), Vec::new()],
            fin: [false; 2],
            pinged: [None, None],
        };
        harness.drain();
        harness
    }

    pub(crate) fn input(&mut self, from: Side, bytes: &[u8]) -> &mut Self {
        let (mut rest, mut stuck) = (bytes, false);
        while !rest.is_empty() {
            let used = self
                .session
                .handle_input(from, rest, self.now, &mut self.seen);
            assert!(used > 0 || !stuck, "nothing moves");
            stuck = used == 0;
            let (input, after) = rest.split_at(used);
            assert_eq!(
                self.poll(from, input),
                used,
                "the plan is not what was used"
            );
            rest = after;
        }
        self
    }

    pub(crate) fn eof(&mut self, from: Side) -> &mut Self {
        self.session.handle_eof(from, self.now);
        self.drain()
    }

    pub(crate) fn reset(&mut self, from: Side) -> &mut Self {
        self.session.handle_reset(from, self.now);
        self.drain()
    }

    pub(crate) fn close(&mut self, code: CloseCode) -> &mut Self {
        self.session
            .handle_close(Cause::Drain, &Close::from(code), self.now);
        self.drain()
    }

    pub(crate) fn cut(&mut self, cause: Cause) -> &mut Self {
        self.session.handle_cut(cause);
        self.drain()
    }

    pub(crate) fn part(&mut self) -> &mut Self {
        self.session.handle_parted();
        self.drain()
    }

    pub(crate) fn publish(&mut self, to: Side) -> &mut Self {
        self.queued[index(to)] += 1;
        self.session.handle_publish(to);
        self.drain()
    }

    pub(crate) fn adopt(&mut self, policy: Policy) -> &mut Self {
        let policy = Arc::new(policy);
        self.session
            .handle_policy(policy, self.opened, random(), self.now);
        self.drain()
    }

    pub(crate) fn blocked(&mut self, to: Side) -> &mut Self {
        self.session.handle_blocked(to);
        self.drain()
    }

    /// The Pong to the gateway's Ping to a side, once.
    pub(crate) fn pong(&mut self, from: Side) -> Option<Vec<u8>> {
        let payload = self.pinged[index(from)].take()?;
        Some(frame(from, PONG, &payload))
    }

    /// Answers the gateway's Ping.
    pub(crate) fn answer(&mut self, from: Side) -> &mut Self {
        let pong = self.pong(from).expect("no Ping is under way");
        self.input(from, &pong)
    }

    pub(crate) fn flushed(&mut self, to: Side) -> &mut Self {
        self.session.handle_flushed(to, self.now);
        self.drain()
    }

    /// Lets time pass, and calls at the deadlines on the way.
    pub(crate) fn pass(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(until) = self
            .waits
            .0
            .filter(|until| *until <= end && self.outcome.is_none())
        {
            self.now = self.now.max(until);
            self.session.handle_timeout(self.now);
            self.drain();
            let moved = self.outcome.is_some() || self.waits.0 != Some(until);
            assert!(moved, "a deadline at which nothing happens");
        }
        self.now = end;
        self
    }

    /// What was done since the last call.
    pub(crate) fn ops(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.ops)
    }

    pub(crate) fn out(&self, to: Side) -> &[u8] {
        &self.out[index(to)]
    }

    /// The frames written to a side; the last may not be cut.
    pub(crate) fn frames(&self, to: Side) -> Vec<Frame> {
        let (frames, rest) = read_all(self.out(to));
        assert_eq!(rest, 0, "a cut frame");
        frames
    }

    /// The code of the Close that was written last to a side.
    pub(crate) fn closed_with(&self, to: Side) -> Option<u16> {
        let (frames, _) = read_all(self.out(to));
        frames
            .last()
            .filter(|frame| frame.opcode() == 8)
            .map(Frame::code)
    }

    pub(crate) fn is_shut(&self, to: Side) -> bool {
        self.fin[index(to)]
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome.expect("the session is not finished")
    }

    fn drain(&mut self) -> &mut Self {
        assert_eq!(
            self.poll(Side::Downstream, &[]),
            0,
            "input where there is none"
        );
        self
    }

    /// Does what the session says; returns how much of the input that took.
    fn poll(&mut self, from: Side, input: &[u8]) -> usize {
        let mut at = 0;
        loop {
            match self.session.poll_output() {
                Output::Pass { from: source, len } => {
                    assert_eq!(source, from);
                    self.write(from.other(), &input[at..at + len]);
                    self.ops.push(Op::Pass(from, len));
                    at += len;
                }
                Output::Skip { from: source, len } => {
                    assert_eq!(source, from);
                    self.ops.push(Op::Skip(from, len));
                    at += len;
                }
                Output::Send { to, bytes } => {
                    if let Some(payload) = own_ping(to, &bytes) {
                        assert_eq!(self.pinged[index(to)], None, "two Pings under way");
                        self.pinged[index(to)] = Some(payload);
                    }
                    self.write(to, &bytes);
                    self.ops.push(Op::Send(to, bytes.len()));
                }
                Output::Publish { to } => self.write_published(to),
                Output::Shutdown { to } => self.shut(to),
                Output::Wait { until, reason } => {
                    self.waits = (until, reason);
                    return at;
                }
                Output::Finished(outcome) => {
                    assert!(self.outcome.is_none_or(|before| before == outcome));
                    self.outcome = Some(outcome);
                    return input.len();
                }
            }
        }
    }

    fn write(&mut self, to: Side, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "nothing to write");
        assert!(!self.fin[index(to)], "bytes after a FIN");
        self.out[index(to)].extend(bytes);
    }

    fn write_published(&mut self, to: Side) {
        let queued = &mut self.queued[index(to)];
        *queued = queued.checked_sub(1).expect("a message nobody has");
        if *queued > 0 {
            self.session.handle_publish(to);
        }
        self.write(to, &published(to));
        self.session.handle_published(self.now);
        self.ops.push(Op::Publish(to));
    }

    fn shut(&mut self, to: Side) {
        assert!(!self.fin[index(to)], "a second FIN");
        self.fin[index(to)] = true;
        self.ops.push(Op::Shutdown(to));
        if self.flush == Flush::AtOnce {
            self.session.handle_flushed(to, self.now);
        }
    }
}
