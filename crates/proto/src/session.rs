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
//!              Send writes its own bytes, Publish the caller's (then `handle_published`)
//!        bytes = &bytes[used..];
//!    }
//!    ```
//!    `used` is the sum of the `Pass` and `Skip` lengths that follow. Of one input come, each at
//!    most once: a `Send` of what was held back from earlier input, a `Pass`, a `Skip`; the
//!    gateway's own frames come after these. Nearly always it is one `Pass` of everything. `used`
//!    is less than everything where something else is to be sent first, or where something is left
//!    out in the middle, and 0 if the machine was not polled to its end before. Bytes that came with
//!    the handshake are the first input.
//! 2. **End of input.** Read returned nothing: [`Session::handle_eof`]. Reading or writing failed:
//!    [`Session::handle_reset`], after handing in what could still be read.
//! 3. **Shutdown.** When all bytes for a side and its FIN are on the wire:
//!    [`Session::handle_flushed`]. It may be called at other times when nothing is left unwritten
//!    for that side; that changes nothing.
//! 4. **Slow peers.** Something planned for a side cannot be written at once:
//!    [`Session::handle_blocked`]; nothing of it is left: [`Session::handle_flushed`]. Nobody is
//!    pinged or given up in between.
//! 5. **Timers.** Keep the `until` of the last `Wait`; call [`Session::handle_timeout`] then,
//!    after handing in what there is to read: it may be a sign of life. Early calls do no harm. Activity moves the idle deadline on, so a caller that keeps an earlier one
//!    only gets a later `Wait` for it.
//! 6. **Other limits.** The route is another: [`Session::handle_policy`].
//! 7. **Finished.** Drop both connections, unwritten bytes included. Until then drop neither.
//! 8. **Moving.** Between two calls [`Session::export`] gives what another process needs to go on
//!    from there, and [`Session::restore`] goes on.
//!
//! # How it ends
//!
//! A *Close of a peer* is passed on and answered by the other peer. A *violation*, an *idle
//! timeout* or [`Session::handle_close`] makes the gateway send a Close to both sides, to each at
//! the next frame boundary of the stream towards it; what the other peer sends after that is
//! dropped. *Upstream gone* without a Close: downstream is sent [`CloseCode::SERVICE_RESTART`]
//! (clients reconnect on it), or just a FIN if a frame was cut off. *Downstream gone*: upstream gets
//! the FIN that the gateway got; on a half-close upstream's bytes still flow. *A side that gives no
//! sign of life*: it is told nothing and not waited for; the other is sent a Close, upstream
//! [`CloseCode::GOING_AWAY`]. *A life that is long enough*: as an idle timeout, but each Close goes
//! at the next message boundary.
//!
//! A client to which a Close went, and which answered, broke a rule or ended, is sent a FIN. An endpoint that
//! answered is waited for, as a client waits for its server (RFC 6455 section 7.1.1), and is sent a FIN when it
//! has ended its stream. When no more than the ends of streams is missing, the peers have another
//! [`Policy::close_timeout`] for theirs, so that no reset destroys a Close on its way. Each of the two phases
//! is bounded by `close_timeout`, however little the peers read or write. The first cause is the one recorded.

mod adoption;
mod ending;
mod frozen;
mod input;
mod outcome;
mod output;
mod peer;
mod policy;
mod pulse;
mod time;
mod traffic;
mod vigil;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::scanner::{MessageKind, Observer};
pub use frozen::Frozen;
pub use outcome::{Cause, Initiator, Outcome};
pub use output::{Output, WaitReason};
pub use policy::{Lifetime, Pings, Policy};
pub use traffic::Traffic;

use crate::Side;
use crate::close::{Close, CloseCode};
use crate::handshake::Deflate;
use crate::mask::{MaskKey, MaskKeys};
use crate::scanner::StopAt;
use output::Plan;
use peer::{Inbound, Outbound, Peer, Peers, Publish};
use vigil::{Vigil, Watch};

/// The state machine of one session: 280 bytes, no allocation while data flows.
#[derive(Debug)]
pub struct Session {
    policy: Arc<Policy>,
    masks: MaskKeys,
    peers: Peers,
    plan: Plan,
    /// When anything of a data frame was last seen.
    active: Instant,
    life: Life,
    /// Only where the policy has Pings or a longest life.
    vigil: Option<Box<Vigil>>,
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
    /// A session whose handshake is done. From `random` come the masks of the gateway's own frames
    /// towards upstream and the payloads of its Pings, which must not be predictable (RFC 6455
    /// section 10.3).
    pub fn new(
        policy: Arc<Policy>,
        deflate: Deflate,
        mut random: impl FnMut() -> u64,
        now: Instant,
    ) -> Self {
        Self {
            masks: MaskKeys::new(random()),
            peers: Peers::new(deflate),
            plan: Plan::Empty,
            active: now,
            life: Life::Open,
            vigil: Vigil::new(&policy, random, now),
            policy,
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
        if self.vigil.is_some() {
            return self.take_watched(from, bytes, now, observer);
        }
        self.take(from, bytes, now, Watch::NONE, observer)
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

    /// Something planned for `to` could not be written at once. No side is pinged or given up from
    /// now on until [`handle_flushed`](Self::handle_flushed).
    pub fn handle_blocked(&mut self, to: Side) {
        if let Some(vigil) = &mut self.vigil {
            vigil.of_mut(to).is_blocked = true;
        }
    }

    /// Everything planned for `to` so far is on the wire, a shutdown included.
    pub fn handle_flushed(&mut self, to: Side, now: Instant) {
        if let Some(vigil) = &mut self.vigil {
            vigil.flushed(to, now);
        }
        if matches!(self.peers.of(to).outbound, Outbound::FinAsked) {
            self.tell(now, |peers| peers.of_mut(to).outbound = Outbound::Done);
        }
    }

    /// Whether the peers have parted: each has said Close and was told one, and the endpoint has ended its stream. No
    /// more is left than to end the streams to them, and the client's own end. Who ends a stream by dropping its
    /// connection may do that now, with both, instead of the [shutdowns](Output::Shutdown), and call
    /// [`handle_parted`](Self::handle_parted): a client that has said Close sends nothing that the drop could reset.
    pub fn have_parted(&self) -> bool {
        self.peers.both(Peer::has_parted)
    }

    /// The caller drops both connections; see [`have_parted`](Self::have_parted).
    pub fn handle_parted(&mut self) {
        if let Life::Closing(first, ..) = self.life {
            self.finish(first);
        }
    }

    /// Asks both peers to go, each at the next frame boundary. Does nothing if the end has begun.
    pub fn handle_close(&mut self, cause: Cause, close: &Close, now: Instant) {
        if matches!(self.life, Life::Open) {
            self.begin(Initiator::Gateway, close.status(), cause, now);
            self.owe_both(close, StopAt::Frame);
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

    /// A message of the caller's own was written, now or after it had to wait for its side: the session is not idle.
    pub fn handle_published(&mut self, now: Instant) {
        self.active = now;
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.life {
            Life::Open => self.look(now),
            Life::Closing(first, deadline) if deadline.is_some_and(|deadline| deadline <= now) => {
                self.finish(first);
            }
            Life::Closing(..) | Life::Finished(_) => {}
        }
    }

    /// The next thing to do.
    #[must_use]
    #[inline]
    pub fn poll_output(&mut self) -> Output {
        match self.plan {
            Plan::Pass { from, len } => {
                self.plan = Plan::Empty;
                Output::Pass { from, len }
            }
            Plan::Empty if self.is_calm() => self.wait(),
            Plan::Empty | Plan::Several { .. } => self.poll_any(),
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

    /// What began the end, once it has begun.
    pub fn ending(&self) -> Option<Cause> {
        match &self.life {
            Life::Open => None,
            Life::Closing(first, ..) => Some(first.cause),
            Life::Finished(outcome) => Some(outcome.cause),
        }
    }

    /// When anything of a data frame was last seen, from either peer, or a message published to one. Pings do not count.
    pub fn active(&self) -> Instant {
        self.active
    }

    /// How long the last Pong of the peer to a Ping of the gateway took.
    pub fn ping_rtt(&self, side: Side) -> Option<Duration> {
        self.vigil.as_ref()?.of(side).rtt()
    }

    /// The mask of a frame of the gateway's own.
    fn mask(&mut self, to: Side) -> Option<MaskKey> {
        match to {
            Side::Downstream => None,
            Side::Upstream => Some(self.masks.draw()),
        }
    }
}

/// Between the beginning and the end.
impl Session {
    /// Whether there is nothing to do before the next event.
    #[inline]
    fn is_calm(&self) -> bool {
        matches!(self.life, Life::Open)
            && self.vigil.is_none()
            && self.peers.both(|peer| peer.publish == Publish::No)
    }

    /// Of sessions where there may be more to do than to pass input on. A function of its own, so that for the
    /// others the output stays in registers.
    #[cold]
    #[inline(never)]
    fn poll_any(&mut self) -> Output {
        if let Some(output) = self.plan.next() {
            return output;
        }
        match self.life {
            Life::Finished(outcome) => Output::Finished(outcome),
            Life::Open => self.poll_open(),
            Life::Closing(first, deadline) => self.poll_closing(first, deadline),
        }
    }

    fn poll_open(&mut self) -> Output {
        if self.vigil.is_some() {
            return self.poll_watched();
        }
        if let Some(to) = self.take_publish() {
            return Output::Publish { to };
        }
        self.wait()
    }

    #[inline]
    fn wait(&self) -> Output {
        let until = self.policy.idle_at(self.active);
        let reason = until.map_or(WaitReason::Input, |_| WaitReason::Idle);
        Output::Wait { until, reason }
    }

    /// Who is to be sent the caller's next message now.
    #[inline]
    fn take_publish(&mut self) -> Option<Side> {
        for to in Side::BOTH {
            let due = self.peers.of(to).publish == Publish::Due;
            if due && self.peers.of(to.other()).scanner.at_message_boundary() {
                self.peers.of_mut(to).publish = Publish::No;
                return Some(to);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
