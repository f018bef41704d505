//! The life of a session after the 101: two streams of frames joined, what the gateway says
//! itself, and when and why it all ends.
//!
//! Not here: sockets, buffers, clocks, the queue of published messages. The machine is told what
//! happened (`handle_*`) and says what to do ([`Session::poll_output`]). It never owns, copies or
//! unmasks the payload of a data frame.
//!
//! # How to call it
//!
//! After *every* `handle_*` call, poll until [`Output::Wait`] or [`Output::Finished`], and do what
//! it says in that order. Anything that is to be written to a side is written after what was
//! planned for that side before.
//!
//! 1. **Input.** Read from a side only while [`Session::wants_input`] says so and nothing is left
//!    unwritten for the other side (that is all of backpressure; see [`Session::discards`] for the
//!    exception). Hand in what was read:
//!    ```text
//!    while !bytes.is_empty() {
//!        let used = session.handle_input(from, bytes, now, &mut observer);
//!        let mut input = &bytes[..used];
//!        poll: Pass takes its length from the front of `input` and writes it,
//!              Skip takes its length and writes nothing,
//!              Send writes its own bytes, Publish the caller's
//!        bytes = &bytes[used..];
//!    }
//!    ```
//!    `used` is the sum of the `Pass` and `Skip` lengths that follow. Of one input come, each at
//!    most once: a `Send` of what was held back from earlier input, a `Pass`, a `Skip`; the
//!    gateway's own frames come after these. Nearly always it is one `Pass` of everything. `used`
//!    is less than everything where something else is to be sent first, and 0 if the machine was
//!    not polled to its end before. Bytes that came with the handshake are the first input.
//! 2. **End of input.** Read returned nothing: [`Session::handle_eof`]. Reading or writing failed:
//!    [`Session::handle_reset`], after handing in what could still be read.
//! 3. **Shutdown.** When all bytes for a side and its FIN are on the wire:
//!    [`Session::handle_flushed`]. It may be called at other times when nothing is left unwritten
//!    for that side; that changes nothing.
//! 4. **Timers.** Keep the `until` of the last `Wait`; call [`Session::handle_timeout`] then. Early
//!    calls do no harm. Activity moves the idle deadline on, so a caller that keeps an earlier one
//!    only gets a later `Wait` for it.
//! 5. **Finished.** Drop both connections, unwritten bytes included. Until then drop neither.
//!
//! # How it ends
//!
//! A *Close of a peer* is passed on and answered by the other peer. A *violation*, an *idle
//! timeout* or [`Session::handle_close`] makes the gateway send a Close to both sides, to each at
//! the next frame boundary of the stream towards it; what the other peer sends after that is
//! dropped. *Upstream gone* without a Close: downstream is sent [`CloseCode::SERVICE_RESTART`]
//! (clients reconnect on it), or just a FIN if a frame was cut off. *Downstream gone*: upstream gets
//! the FIN that the gateway got; on a half-close upstream's bytes still flow.
//!
//! A side to which a Close went, and which answered, broke a rule or ended, is sent a FIN. When both
//! streams to the peers are ended and flushed, the peers have another [`Policy::close_timeout`] to end
//! theirs, so that no reset destroys a Close on its way. Each of the two phases is bounded by
//! `close_timeout`, however little the peers read or write. The first cause is the one recorded.

mod outcome;
mod output;
mod peer;
mod policy;
mod traffic;

use std::sync::Arc;
use std::time::Instant;

pub use crate::scanner::{MessageKind, Observer};
pub use outcome::{Cause, Initiator, Outcome};
pub use output::{Output, WaitReason};
pub use policy::Policy;
pub use traffic::Traffic;

use crate::Side;
use crate::close::{Close, CloseCode};
use crate::frame::{ControlFrame, Owned};
use crate::handshake::Deflate;
use crate::mask::MaskKeys;
use crate::scanner::{Scan, ScanEnd, StopAt};
use crate::violation::Violation;
use output::Plan;
use peer::{Inbound, Outbound, Peer, Peers, Publish};
use traffic::{Data, Tally};

/// What clients are told when their endpoint is gone.
const ENDPOINT_LOST: &str = "endpoint lost";

/// The state machine of one session: under 300 bytes, no allocation while data flows.
#[derive(Debug)]
pub struct Session {
    policy: Arc<Policy>,
    deflate: Deflate,
    masks: MaskKeys,
    peers: Peers,
    plan: Plan,
    /// When anything of a data frame was last seen.
    active: Instant,
    life: Life,
}

#[derive(Debug)]
enum Life {
    Open,
    /// The end has begun; it is over at the deadline if not before.
    Closing(First, Option<Instant>),
    Finished(Outcome),
}

/// What began the end.
#[derive(Clone, Copy, Debug)]
struct First {
    initiator: Initiator,
    code: CloseCode,
    cause: Cause,
}

impl Session {
    /// A session whose handshake is done. The masks of the gateway's own frames towards upstream
    /// follow from `mask_seed`, which must not be predictable (RFC 6455 section 10.3).
    pub fn new(policy: Arc<Policy>, deflate: Deflate, mask_seed: u64, now: Instant) -> Self {
        Self {
            policy,
            deflate,
            masks: MaskKeys::new(mask_seed),
            peers: Peers::new(),
            plan: Plan::EMPTY,
            active: now,
            life: Life::Open,
        }
    }

    /// Scans a prefix of `bytes` and returns how much of it is dealt with. The outputs that follow
    /// refer to that prefix; once they are polled, call again with the rest.
    #[must_use]
    pub fn handle_input(
        &mut self,
        from: Side,
        bytes: &[u8],
        now: Instant,
        observer: &mut impl Observer,
    ) -> usize {
        if matches!(self.life, Life::Finished(_)) {
            return bytes.len();
        }
        if !self.plan.is_empty() {
            return 0;
        }
        let used = if self.peers.of(from).inbound != Inbound::Open {
            self.plan = Plan::dropping(from, bytes.len());
            bytes.len()
        } else if self.peers.of(from.other()).outbound.is_open() {
            self.scan(from, bytes, now, observer)
        } else {
            self.scan_and_drop(from, bytes, now)
        };
        self.peers.of_mut(from).traffic.bytes += used as u64;
        used
    }

    /// The peer ended its stream.
    pub fn handle_eof(&mut self, from: Side, now: Instant) {
        let before = self.peers.of(from).inbound;
        if before.is_ended() {
            return;
        }
        self.peers.of_mut(from).inbound = before.ended();
        if !before.said_close() {
            self.begin(from.into(), CloseCode::ABNORMAL, Cause::Eof, now);
            // A peer of WebSocket that ends its stream is gone. Only downstream is given the
            // benefit of the doubt: a proxy before it may have half-closed.
            if from == Side::Upstream && self.peers.of(from).outbound.is_open() {
                self.peers.of_mut(from).outbound = Outbound::FinDue;
            }
            self.leave_alone(from.other());
        }
        self.peers.settle();
    }

    /// Reading from or writing to the peer failed.
    pub fn handle_reset(&mut self, from: Side, now: Instant) {
        let before = self.peers.of(from).inbound;
        self.peers.of_mut(from).inbound = before.ended();
        self.peers.of_mut(from).outbound = Outbound::Done;
        self.begin(from.into(), CloseCode::ABNORMAL, Cause::Reset, now);
        if !before.said_close() {
            self.leave_alone(from.other());
        }
        self.peers.settle();
    }

    /// Everything planned for `to` so far is on the wire, a shutdown included.
    pub fn handle_flushed(&mut self, to: Side, now: Instant) {
        let peer = self.peers.of_mut(to);
        if !matches!(peer.outbound, Outbound::FinAsked) {
            return;
        }
        peer.outbound = Outbound::Done;
        if self.are_ended_outwards()
            && let Life::Closing(_, deadline) = &mut self.life
        {
            *deadline = self.policy.close_by(now);
        }
    }

    /// Asks both peers to go, each at the next frame boundary. Does nothing if the end has begun.
    pub fn handle_close(&mut self, cause: Cause, close: &Close, now: Instant) {
        if matches!(self.life, Life::Open) {
            self.begin(Initiator::Gateway, close.status(), cause, now);
            self.owe_both(close);
        }
    }

    /// Ends the session at once.
    pub fn handle_cut(&mut self, cause: Cause) {
        self.finish(First {
            initiator: Initiator::Gateway,
            code: CloseCode::ABNORMAL,
            cause,
        });
    }

    /// The caller has a data message for `to`. There is an [`Output::Publish`] for it at the next
    /// message boundary of the stream to `to`, unless the end begins before.
    pub fn handle_publish(&mut self, to: Side) {
        if matches!(self.life, Life::Open) {
            self.peers.of_mut(to).publish = Publish::Due;
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        match &self.life {
            Life::Closing(first, deadline) if due(*deadline) => self.finish(*first),
            Life::Open if due(self.policy.idle_at(self.active)) => {
                let cause = Cause::IdleTimeout;
                self.handle_close(cause, &close(CloseCode::GOING_AWAY, cause.reason()), now);
            }
            Life::Open | Life::Closing(..) | Life::Finished(_) => {}
        }
    }

    /// The next thing to do.
    #[must_use]
    pub fn poll_output(&mut self) -> Output {
        if let Life::Finished(outcome) = self.life {
            return Output::Finished(outcome);
        }
        if let Some(output) = self.plan.next() {
            return output;
        }
        match self.life {
            Life::Finished(outcome) => Output::Finished(outcome),
            Life::Open => self.poll_open(),
            Life::Closing(first, deadline) => self.poll_closing(first, deadline),
        }
    }

    /// Whether there is any use in reading from the peer.
    pub fn wants_input(&self, from: Side) -> bool {
        !matches!(self.life, Life::Finished(_)) && !self.peers.of(from).inbound.is_ended()
    }

    /// Whether all input from the peer is dropped, so that it can be read however much is unwritten
    /// for the other side. Once true it stays true.
    pub fn discards(&self, from: Side) -> bool {
        self.peers.of(from).inbound != Inbound::Open
            || !self.peers.of(from.other()).outbound.is_open()
    }

    /// What came from the peer so far.
    pub fn traffic(&self, from: Side) -> Traffic {
        self.peers.of(from).traffic
    }
}

/// Input.
impl Session {
    #[inline]
    fn scan(
        &mut self,
        from: Side,
        bytes: &[u8],
        now: Instant,
        observer: &mut impl Observer,
    ) -> usize {
        let rules = self.policy.rules(from, self.deflate);
        let stop = self.peers.of(from.other()).stop_at();
        let peer = self.peers.of_mut(from);
        let mut tally = Tally {
            data: Data::of(&peer.scanner, bytes),
            traffic: &mut peer.traffic,
            next: observer,
        };
        let Scan { release, pass, end } = peer.scanner.scan(&rules, bytes, stop, &mut tally);
        if tally.data == Data::Seen {
            self.active = now;
        }
        let used = if end == ScanEnd::Boundary {
            pass
        } else {
            bytes.len()
        };
        self.plan = Plan::passing(from, release, pass, used - pass);
        self.scanned(from, end, now);
        used
    }

    /// Looks for the Close of a peer whose frames go nowhere.
    fn scan_and_drop(&mut self, from: Side, bytes: &[u8], now: Instant) -> usize {
        let rules = self.policy.rules(from, self.deflate);
        let scanner = &mut self.peers.of_mut(from).scanner;
        let scan = scanner.scan(&rules, bytes, StopAt::Never, &mut ());
        self.plan = Plan::dropping(from, bytes.len());
        self.scanned(from, scan.end, now);
        bytes.len()
    }

    #[inline]
    fn scanned(&mut self, from: Side, end: ScanEnd, now: Instant) {
        match end {
            ScanEnd::Input | ScanEnd::Boundary => {}
            ScanEnd::Close(code) => self.peer_closed(from, code, now),
            ScanEnd::Refused(violation) => self.peer_refused(from, violation, now),
        }
    }

    #[cold]
    fn peer_closed(&mut self, from: Side, code: CloseCode, now: Instant) {
        self.begin(from.into(), code, Cause::CloseFrame, now);
        self.peers.of_mut(from).inbound = Inbound::Closed;
        let to = self.peers.of_mut(from.other());
        if to.outbound.is_open() {
            to.outbound = Outbound::Closed;
        }
        self.peers.settle();
    }

    #[cold]
    fn peer_refused(&mut self, from: Side, violation: Violation, now: Instant) {
        let code = violation.close_code();
        self.begin(from.into(), code, Cause::Violation(violation), now);
        self.peers.of_mut(from).inbound = Inbound::Refused;
        self.owe_both(&close(code, violation.reason()));
        self.peers.settle();
    }
}

/// The end.
impl Session {
    /// Notes what began the end and starts its first phase; only the first call counts.
    fn begin(&mut self, initiator: Initiator, code: CloseCode, cause: Cause, now: Instant) {
        if matches!(self.life, Life::Open) {
            let first = First {
                initiator,
                code,
                cause,
            };
            self.life = Life::Closing(first, self.policy.close_by(now));
        }
    }

    fn finish(&mut self, otherwise: First) {
        let first = match self.life {
            Life::Finished(_) => return,
            Life::Closing(first, _) => first,
            Life::Open => otherwise,
        };
        self.life = Life::Finished(Outcome {
            initiator: first.initiator,
            code: first.code,
            cause: first.cause,
            clean: self.peers.both(|peer| peer.inbound.said_close()),
        });
    }

    fn owe_both(&mut self, close: &Close) {
        for side in Side::BOTH {
            self.owe(side, close);
        }
    }

    fn owe(&mut self, to: Side, close: &Close) {
        let mask = match to {
            Side::Downstream => None,
            Side::Upstream => Some(self.masks.draw()),
        };
        let peer = self.peers.of_mut(to);
        if matches!(peer.outbound, Outbound::Open) {
            peer.outbound = Outbound::CloseDue(Box::new(ControlFrame::close(close, mask)));
        }
    }

    /// `to` has lost its peer, which said no Close: nothing more comes to be passed on.
    fn leave_alone(&mut self, to: Side) {
        let boundary = self.peers.of(to.other()).scanner.at_frame_boundary();
        let peer = self.peers.of_mut(to);
        let listens = to == Side::Downstream && peer.inbound == Inbound::Open;
        match peer.outbound {
            Outbound::Open if boundary && listens => {
                self.owe(to, &close(CloseCode::SERVICE_RESTART, ENDPOINT_LOST));
            }
            Outbound::CloseDue(_) if boundary => {}
            Outbound::Open | Outbound::CloseDue(_) => peer.outbound = Outbound::FinDue,
            Outbound::Closed | Outbound::FinDue | Outbound::FinAsked | Outbound::Done => {}
        }
    }

    fn are_ended_outwards(&self) -> bool {
        self.peers
            .both(|peer| matches!(peer.outbound, Outbound::Done))
    }
}

/// Output.
impl Session {
    #[inline]
    fn poll_open(&mut self) -> Output {
        for to in Side::BOTH {
            let due = self.peers.of(to).publish == Publish::Due;
            if due && self.peers.of(to.other()).scanner.at_message_boundary() {
                self.peers.of_mut(to).publish = Publish::No;
                return Output::Publish { to };
            }
        }
        let until = self.policy.idle_at(self.active);
        let reason = until.map_or(WaitReason::Input, |_| WaitReason::Idle);
        Output::Wait { until, reason }
    }

    #[cold]
    fn poll_closing(&mut self, first: First, until: Option<Instant>) -> Output {
        for to in Side::BOTH {
            if let Some(output) = self.poll_last_words(to) {
                return output;
            }
        }
        if self.peers.both(Peer::is_done) {
            self.finish(first);
            return self.poll_output();
        }
        let reason = if self.are_ended_outwards() {
            WaitReason::Eof
        } else {
            WaitReason::Close
        };
        Output::Wait { until, reason }
    }

    /// The Close or the FIN that is due to `to`.
    fn poll_last_words(&mut self, to: Side) -> Option<Output> {
        let boundary = self.peers.of(to.other()).scanner.at_frame_boundary();
        let peer = self.peers.of_mut(to);
        match &mut peer.outbound {
            Outbound::CloseDue(frame) if boundary => {
                let bytes = Owned::Boxed(std::mem::take(frame));
                peer.outbound = Outbound::Closed;
                peer.settle();
                Some(Output::Send { to, bytes })
            }
            Outbound::FinDue => {
                peer.outbound = Outbound::FinAsked;
                Some(Output::Shutdown { to })
            }
            Outbound::Open
            | Outbound::CloseDue(_)
            | Outbound::Closed
            | Outbound::FinAsked
            | Outbound::Done => None,
        }
    }
}

/// A Close that explains itself, where the reason fits.
fn close(code: CloseCode, reason: &str) -> Close {
    Close::new(code, reason).unwrap_or_else(|_| code.into())
}

#[cfg(test)]
mod tests;
