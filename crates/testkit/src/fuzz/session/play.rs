//! A caller of the session that does as its documentation says, and keeps what both peers see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_proto::Side;
use switchyard_proto::close::{Close, CloseCode};
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{Cause, Outcome, Output, Policy, Session, WaitReason};

use super::laws;
use super::step::Step;

/// What the caller publishes, as frames; peers of the fuzzer send nothing like it.
pub(super) const TO_DOWNSTREAM: &[u8] = b"\x81\x09published";
pub(super) const TO_UPSTREAM: &[u8] = b"\x81\x89\0\0\0\0published";

/// More outputs than this after one event would be a loop.
const MOST_OUTPUTS: usize = 64;

/// How the peers' bytes are cut.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    Whole,
    /// Into single bytes, but for the middle of long payloads.
    Fine,
    Coarse,
}

/// What the peers saw, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Play {
    written: [Vec<u8>; 2],
    outcome: Outcome,
}

impl Play {
    pub(super) fn run(policy: &Policy, deflate: Deflate, steps: &[Step], cut: Cut) -> Self {
        let mut stage = Stage::new(policy, deflate);
        for step in steps {
            stage.step(step, cut);
            laws::check(&stage);
        }
        let outcome = stage.end();
        laws::check(&stage);
        Self {
            written: stage.peers.map(|peer| peer.written),
            outcome,
        }
    }
}

/// Numbers that no input has by chance.
fn numbers() -> impl FnMut() -> u64 {
    let mut number = 0xfeed_0000_0000_0000;
    move || {
        number += 0x0001_0000_0000_0000;
        number
    }
}

/// One peer, from the outside.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// What it sent, as far as the session took it.
    pub(super) sent: Vec<u8>,
    /// What was written to it.
    pub(super) written: Vec<u8>,
    /// Whether it was sent a FIN.
    shut: bool,
    /// Messages that wait to be published to it.
    queued: usize,
    discarded: bool,
    /// What is in the gateway's Ping to it, until it answers.
    pinged: Option<[u8; 8]>,
    /// Bytes of its answers.
    pub(super) answered: usize,
}

pub(super) struct Stage {
    pub(super) session: Session,
    pub(super) deflate: Deflate,
    pub(super) policy: Policy,
    pub(super) peers: [Peer; 2],
    now: Instant,
    /// The last wait: until when, and for what.
    wait: (Option<Instant>, WaitReason),
    outcome: Option<Outcome>,
}

impl Stage {
    fn new(policy: &Policy, deflate: Deflate) -> Self {
        let now = Instant::now();
        let mut stage = Self {
            session: Session::new(Arc::new(policy.clone()), deflate, numbers(), now),
            deflate,
            policy: policy.clone(),
            peers: Default::default(),
            now,
            wait: (None, WaitReason::Input),
            outcome: None,
        };
        stage.poll(None);
        stage
    }

    pub(super) fn peer(&self, side: Side) -> &Peer {
        &self.peers[side as usize]
    }

    fn peer_mut(&mut self, side: Side) -> &mut Peer {
        &mut self.peers[side as usize]
    }

    /// Whether the end has not begun.
    pub(super) fn is_open(&self) -> bool {
        self.outcome.is_none() && !matches!(self.wait.1, WaitReason::Close | WaitReason::Eof)
    }

    fn step(&mut self, step: &Step, cut: Cut) {
        match step {
            Step::Input(from, bytes) => return self.input(*from, bytes, cut),
            Step::Eof(side) => self.session.handle_eof(*side, self.now),
            Step::Reset(side) => self.session.handle_reset(*side, self.now),
            Step::Blocked(side) => self.session.handle_blocked(*side),
            Step::Answer(side) => return self.answer(*side, cut),
            Step::Flushed(side) => self.session.handle_flushed(*side, self.now),
            Step::Close(code) => {
                self.session
                    .handle_close(Cause::Drain, &CloseCode::new(*code).into(), self.now);
            }
            Step::Cut => self.session.handle_cut(Cause::Shutdown),
            Step::Publish(side) => {
                self.peer_mut(*side).queued += 1;
                self.session.handle_publish(*side);
            }
            Step::Wait(time) => return self.pass_time(*time),
        }
        self.poll(None);
    }

    fn input(&mut self, from: Side, bytes: &[u8], cut: Cut) {
        let taken = self.hand_in(from, bytes, cut);
        self.peer_mut(from).sent.extend_from_slice(&bytes[..taken]);
    }

    fn answer(&mut self, from: Side, cut: Cut) {
        if !laws::is_between_frames(self, from) {
            return;
        }
        if let Some(payload) = self.peer_mut(from).pinged.take() {
            let pong = match from {
                Side::Downstream => [&[0x8a, 0x88, 0, 0, 0, 0][..], &payload].concat(),
                Side::Upstream => [&[0x8a, 0x08][..], &payload].concat(),
            };
            self.peer_mut(from).answered += self.hand_in(from, &pong, cut);
        }
    }

    /// Returns how much of it was taken.
    fn hand_in(&mut self, from: Side, bytes: &[u8], cut: Cut) -> usize {
        let mut taken = 0;
        for piece in pieces(bytes, cut) {
            let mut rest = piece;
            let mut stalls = 0;
            while !rest.is_empty() && self.session.wants_input(from) {
                let used = self.session.handle_input(from, rest, self.now, &mut ());
                let (now, later) = rest.split_at(used);
                taken += used;
                self.poll(Some((from, now)));
                rest = later;
                stalls = if used == 0 { stalls + 1 } else { 0 };
                assert!(stalls < 2, "no progress on {from:?}");
            }
        }
        taken
    }

    fn pass_time(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.poll(None);
        if let (Some(until), None) = (self.wait.0, self.outcome) {
            assert!(until > self.now, "a timer that is due again at once");
        }
    }

    /// Asks both to go, then lets time pass: however little the peers do, that is the end.
    fn end(&mut self) -> Outcome {
        let close = Close::new(CloseCode::SERVICE_RESTART, "restart").unwrap();
        self.session.handle_close(Cause::Drain, &close, self.now);
        self.poll(None);
        for _ in 0..2 {
            self.pass_time(self.policy.close_timeout);
            for side in Side::BOTH {
                self.session.handle_flushed(side, self.now);
                self.poll(None);
            }
        }
        self.pass_time(self.policy.close_timeout);
        assert!(
            Side::BOTH
                .iter()
                .all(|side| !self.session.wants_input(*side))
        );
        self.outcome.expect("two close timeouts end a session")
    }

    /// Does what the session says until it waits.
    fn poll(&mut self, input: Option<(Side, &[u8])>) {
        let (sender, mut rest) = input.unwrap_or((Side::Downstream, &[]));
        for _ in 0..MOST_OUTPUTS {
            match self.session.poll_output() {
                Output::Pass { from, len } => {
                    let (passed, later) = rest.split_at(len);
                    assert!(from == sender && len > 0);
                    rest = later;
                    self.write(from.other(), passed);
                }
                Output::Skip { from, len } => {
                    assert!(from == sender && len > 0);
                    rest = &rest[len..];
                }
                Output::Send { to, bytes } => {
                    if let Some(payload) = laws::own_ping(&bytes) {
                        assert_eq!(self.peer(to).pinged, None, "two Pings under way");
                        self.peer_mut(to).pinged = Some(payload);
                    }
                    self.write(to, &bytes);
                }
                Output::Publish { to } => self.publish(to),
                Output::Shutdown { to } => {
                    assert!(!self.peer(to).shut, "a second FIN");
                    self.peer_mut(to).shut = true;
                }
                Output::Wait { until, reason } => {
                    assert!(rest.is_empty(), "{} bytes of input forgotten", rest.len());
                    self.wait = (until, reason);
                    return self.look();
                }
                Output::Finished(outcome) => {
                    assert_eq!(*self.outcome.get_or_insert(outcome), outcome);
                    return self.look();
                }
            }
        }
        panic!("more than {MOST_OUTPUTS} outputs after one event");
    }

    fn write(&mut self, to: Side, bytes: &[u8]) {
        let peer = self.peer_mut(to);
        assert!(!peer.shut, "bytes after a FIN");
        assert!(!bytes.is_empty(), "nothing to send");
        peer.written.extend_from_slice(bytes);
    }

    fn publish(&mut self, to: Side) {
        let message = match to {
            Side::Downstream => TO_DOWNSTREAM,
            Side::Upstream => TO_UPSTREAM,
        };
        let peer = self.peer_mut(to);
        assert!(peer.queued > 0, "nothing to publish");
        peer.queued -= 1;
        let more = peer.queued > 0;
        self.write(to, message);
        if more {
            self.session.handle_publish(to);
        }
    }

    /// Once input is dropped, it stays so.
    fn look(&mut self) {
        for side in Side::BOTH {
            let discards = self.session.discards(side);
            let peer = self.peer_mut(side);
            assert!(discards || !peer.discarded, "{side:?} is listened to again");
            peer.discarded = discards;
        }
    }
}

fn pieces(bytes: &[u8], cut: Cut) -> Vec<&[u8]> {
    match cut {
        Cut::Whole => vec![bytes],
        Cut::Coarse => bytes.chunks(11.max(bytes.len() / 7)).collect(),
        Cut::Fine => {
            let (start, middle) = bytes.split_at(bytes.len().min(150));
            let (middle, end) = middle.split_at(middle.len().saturating_sub(150));
            start
                .chunks(1)
                .chain(middle.chunks(4096))
                .chain(end.chunks(1))
                .collect()
        }
    }
}
