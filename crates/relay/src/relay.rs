//! The future of one session: readiness in, bytes over, plans of the session machine carried out.
//!
//! One poll goes from side to side until both have nothing to do. When it returns, its task is
//! registered for all that the session waits for: to read, with each side that may be read; to
//! write, with each side that has not taken everything; and with its handle, for commands and
//! alarms.

mod early;
mod input;
mod line;
mod output;
mod post;
mod publish;
mod still;

use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use switchyard_proto::Side;
use switchyard_proto::session::{Cause, Initiator, Outcome, Session, Traffic};
use switchyard_telemetry::{CountedSession, RouteTraffic};
use switchyard_wire::Wire;

use crate::clock;
use crate::freeze::Freeze;
use crate::handle::Handle;
use crate::leg::{Leg, Waking, Wires};
use crate::meter::{direction, side};
use crate::registry::Ticket;
use crate::scratch::{READ, Scratch};
use early::Early;
use line::{Line, Outlet};
pub use still::Still;

/// How often a poll turns to one of the sides before it lets other sessions run: 16 rounds.
const TURNS: usize = 32;

/// How many bytes a poll moves, give or take a read, before it lets other sessions run.
const BUDGET: usize = 4 * READ;

/// What the session machine may add to one read: a control frame it held back (131 bytes), a Ping
/// of its own (14 bytes) and a Close of its own (131 bytes).
const OWN_FRAMES: usize = 276;

/// What a session may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// Bytes kept for a slow peer in each direction; at least 4 KiB.
    pub buffer_limit: usize,
}

impl RelayLimits {
    /// The most to read at once, so that all of it can be kept.
    fn read(self) -> usize {
        self.buffer_limit.saturating_sub(OWN_FRAMES).clamp(1, READ)
    }
}

/// Why a relay is not to be polled, at least for now.
#[derive(Debug)]
pub enum Ended {
    /// The session has ended.
    Closed(Closed),
    /// Another process may go on with it. Until then, or where that cannot be, it is all there, and goes on
    /// when it is polled again.
    Asked(Freeze),
}

/// Why a poll does not go on.
enum Stop {
    Over(Outcome),
    Asked(Freeze),
}

/// A session that has ended.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Who ended it, how and why.
    pub outcome: Outcome,
    /// What the client sent.
    pub from_downstream: Traffic,
    /// What the endpoint sent.
    pub from_upstream: Traffic,
    /// How long it lasted.
    pub duration: Duration,
    /// How long there had been no data frame from either peer.
    pub idle: Duration,
    /// How long the client's last answer to a Ping of the gateway's own took.
    pub ping_rtt_downstream: Option<Duration>,
    /// The same of the endpoint.
    pub ping_rtt_upstream: Option<Duration>,
}

/// Moves one session's bytes until it has ended. Dropping it drops both connections.
///
/// It has to be polled by the worker whose registry and traffic block it was given.
#[must_use = "a session moves only while it is polled"]
pub struct Relay<D, U> {
    wires: Wires<D, U>,
    early: Option<Box<Early>>,
    downstream: Line,
    upstream: Line,
    session: Session,
    ticket: Ticket,
    traffic: CountedSession,
    read_limit: usize,
    /// The earliest alarm that is set.
    alarm: Option<Instant>,
}

/// Whether there is a point in trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Moved,
    Idle,
}

impl Step {
    fn or(self, other: Self) -> Self {
        match self {
            Self::Moved => self,
            Self::Idle => other,
        }
    }
}

/// One poll.
struct Turn<'a, 'w> {
    cx: &'a mut Context<'w>,
    now: Instant,
    /// Bytes read so far.
    moved: usize,
    /// When the session machine last said it wants to be called, if it was asked.
    until: Option<Instant>,
}

impl<D: Wire, U: Wire> Relay<D, U> {
    /// The session, as it is seen from outside.
    pub fn handle(&self) -> &Handle {
        &self.ticket
    }

    /// Joins two connections whose handshakes are done.
    pub fn new(
        downstream: Leg<D>,
        upstream: Leg<U>,
        session: Session,
        ticket: Ticket,
        traffic: &Arc<RouteTraffic>,
        limits: RelayLimits,
    ) -> Self {
        Self {
            wires: Wires {
                downstream: downstream.io,
                upstream: upstream.io,
            },
            early: Early::new(downstream.early, upstream.early),
            downstream: Line::new(),
            upstream: Line::new(),
            session,
            ticket,
            traffic: traffic.session(),
            read_limit: limits.read(),
            alarm: None,
        }
    }
}

impl<D: Wire, U: Wire> Future for Relay<D, U> {
    type Output = Ended;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let relay = self.get_mut();
        let mut turn = Turn {
            cx,
            now: clock::now(),
            moved: 0,
            until: None,
        };
        match relay.advance_safely(&mut turn) {
            ControlFlow::Break(Stop::Over(outcome)) => {
                Poll::Ready(Ended::Closed(relay.closed(outcome, turn.now)))
            }
            ControlFlow::Break(Stop::Asked(freeze)) => Poll::Ready(Ended::Asked(freeze)),
            ControlFlow::Continue(()) => {
                relay.set_alarm(&turn);
                Poll::Pending
            }
        }
    }
}

/// Taking turns.
impl<D: Wire, U: Wire> Relay<D, U> {
    /// A fault of ours costs this session and no other, and ends it as everything does: with a cause.
    fn advance_safely(&mut self, turn: &mut Turn<'_, '_>) -> ControlFlow<Stop> {
        // What it leaves half done is not used again, but for the counts of what went over.
        let advanced = catch_unwind(AssertUnwindSafe(|| {
            Scratch::with(|scratch| self.advance(scratch, turn))
        }));
        advanced.unwrap_or_else(|_| {
            let outcome = Outcome::abrupt(Initiator::Gateway, Cause::Internal);
            ControlFlow::Break(Stop::Over(outcome))
        })
    }

    fn advance(&mut self, scratch: &mut Scratch, turn: &mut Turn<'_, '_>) -> ControlFlow<Stop> {
        let rung = self.ticket.has_rung(turn.cx.waker());
        if rung {
            // Perhaps by another task.
            self.downstream.waking = Waking::Unasked;
            self.upstream.waking = Waking::Unasked;
            self.answer(scratch, turn)?;
        }
        self.take_turns(scratch, turn).map_break(Stop::Over)?;
        if rung && self.alarm.is_some_and(|alarm| alarm <= turn.now) {
            // After what has come meanwhile: it may be a sign of life.
            self.look_at_the_time(scratch, turn).map_break(Stop::Over)?;
            self.take_turns(scratch, turn).map_break(Stop::Over)?;
        }
        ControlFlow::Continue(())
    }

    fn take_turns(
        &mut self,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome> {
        let mut from = Side::Downstream;
        let mut last = Step::Moved;
        for turns in 0..TURNS {
            // Either side has had a turn after two.
            let step = if turns >= 2 && self.rests(from) {
                Step::Idle
            } else {
                self.turn_to(from, scratch, turn)?
            };
            if (last, step) == (Step::Idle, Step::Idle) {
                return ControlFlow::Continue(());
            }
            if turn.moved >= BUDGET {
                break;
            }
            last = step;
            from = from.other();
        }
        turn.cx.waker().wake_by_ref();
        ControlFlow::Continue(())
    }

    #[cold]
    fn look_at_the_time(
        &mut self,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome> {
        self.alarm = None;
        self.session.handle_timeout(turn.now);
        self.carry_out(&mut scratch.nothing(), turn)
    }

    /// Moves what `from` sent: first what the other side has not taken, then what there is to read. Then the stream to
    /// the other side ends, where that is due.
    fn turn_to(
        &mut self,
        from: Side,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome, Step> {
        let ends = self.line(from.other()).is_ending();
        let written = if self.line(from.other()).is_plain() {
            Step::Idle
        } else {
            self.write_on(from.other(), scratch, turn)?
        };
        let read = if self.may_read(from) {
            self.read(from, scratch, turn)?
        } else {
            Step::Idle
        };
        let ended = if ends && self.line(from.other()).is_ending() {
            // After reading: what came may be the end of it all.
            self.shut_down(from.other(), scratch, turn)?
        } else {
            Step::Idle
        };
        if read == Step::Idle && self.line(from).outlet == Outlet::Failed {
            self.lose(from, scratch, turn)?;
            return ControlFlow::Continue(Step::Moved);
        }
        ControlFlow::Continue(read.or(written).or(ended))
    }

    /// Whether another turn for `from` would come to nothing: all that it sent is read, and nothing is to be written.
    #[inline]
    fn rests(&self, from: Side) -> bool {
        self.line(from).waking == Waking::Asked
            && self.downstream.is_plain()
            && self.upstream.is_plain()
    }

    /// Tells the session machine that a side is gone.
    #[cold]
    fn lose(
        &mut self,
        side: Side,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome> {
        self.line_mut(side).outlet = Outlet::Lost;
        self.settle_pending(side, turn.now);
        self.session.handle_reset(side, turn.now);
        self.carry_out(&mut scratch.nothing(), turn)
    }

    /// Whether `from` is to be read: nothing that came from it is waiting, or nothing more will.
    fn may_read(&self, from: Side) -> bool {
        self.session.wants_input(from)
            && (self.line(from.other()).is_clear() || self.session.discards(from))
    }
}

impl<D, U> Relay<D, U> {
    fn line(&self, side: Side) -> &Line {
        match side {
            Side::Downstream => &self.downstream,
            Side::Upstream => &self.upstream,
        }
    }

    fn line_mut(&mut self, side: Side) -> &mut Line {
        match side {
            Side::Downstream => &mut self.downstream,
            Side::Upstream => &mut self.upstream,
        }
    }

    /// Sets an alarm for the deadline of this turn, unless an earlier one will ring anyway.
    fn set_alarm(&mut self, turn: &Turn<'_, '_>) {
        if let Some(until) = turn.until
            && self.alarm.is_none_or(|alarm| until < alarm)
        {
            self.ticket.set_alarm(until);
            self.alarm = Some(until);
        }
    }

    /// Drops what a side has not taken, if anything, and counts how long that has been.
    fn settle_pending(&mut self, side: Side, now: Instant) {
        if let Some(pending) = self.line_mut(side).pending.take() {
            pending.settle(direction(side.other()), &self.traffic, now);
        }
    }

    fn closed(&self, outcome: Outcome, now: Instant) -> Closed {
        if let Cause::PingTimeout(dead) = outcome.cause {
            self.traffic.ping_timed_out(side(dead));
        }
        Closed {
            outcome,
            from_downstream: self.session.traffic(Side::Downstream),
            from_upstream: self.session.traffic(Side::Upstream),
            duration: now.saturating_duration_since(self.ticket.info().opened),
            idle: self.ticket.idle(now),
            ping_rtt_downstream: self.session.ping_rtt(Side::Downstream),
            ping_rtt_upstream: self.session.ping_rtt(Side::Upstream),
        }
    }
}

impl<D, U> Drop for Relay<D, U> {
    fn drop(&mut self) {
        for side in Side::BOTH {
            if self.line(side).pending.is_some() {
                self.settle_pending(side, clock::now());
            }
        }
        self.refuse_messages();
    }
}

#[cfg(test)]
mod tests;
