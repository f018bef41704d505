//! From the session machine to a side: its plans, and what the side did not take at once.

use std::ops::ControlFlow;
use std::task::Poll;

use switchyard_proto::Side;
use switchyard_proto::session::{Outcome, Output};
use switchyard_wire::Wire;

use super::line::{Messages, Outlet};
use super::{Relay, Step, Turn};
use crate::meter::direction;
use crate::pending::{Pending, signed};
use crate::scratch::{Chunk, Scratch};

/// Plans.
impl<D: Wire, U: Wire> Relay<D, U> {
    /// Does what the session machine says until it waits.
    pub(super) fn carry_out(
        &mut self,
        chunk: &mut Chunk<'_>,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome> {
        loop {
            match self.session.poll_output() {
                Output::Pass { len, .. } => chunk.pass(len),
                Output::Skip { len, .. } => {
                    self.write_run(chunk, turn);
                    chunk.skip(len);
                }
                Output::Send { to, bytes } => self.send(to, &bytes, chunk, turn),
                Output::Shutdown { to } => {
                    self.write_last(to, chunk);
                    self.write_run(chunk, turn);
                    self.end(to);
                }
                Output::Publish {
                    to: Side::Downstream,
                } => self.publish(chunk, turn),
                // Only for who has messages for it.
                Output::Publish { to: Side::Upstream } => {}
                Output::Wait { until, .. } => {
                    self.write_run(chunk, turn);
                    turn.until = until;
                    return ControlFlow::Continue(());
                }
                Output::Finished(outcome) => return ControlFlow::Break(outcome),
            }
        }
    }

    /// Sends bytes of the session machine: together with the input that follows, if they go the
    /// same way.
    fn send(&mut self, to: Side, bytes: &[u8], chunk: &mut Chunk<'_>, turn: &mut Turn<'_, '_>) {
        if to == chunk.to() {
            self.write_run(chunk, turn);
            chunk.put_before(bytes);
        } else {
            self.write(to, bytes, turn);
        }
    }

    pub(super) fn write_run(&mut self, chunk: &mut Chunk<'_>, turn: &mut Turn<'_, '_>) {
        if !chunk.run().is_empty() {
            self.write(chunk.to(), chunk.run(), turn);
            chunk.take_run();
        }
    }

    /// Has the end of the stream to a side go with the input before it, in one segment; what is left of that goes as ever.
    fn write_last(&self, to: Side, chunk: &mut Chunk<'_>) {
        if to == chunk.to() && !chunk.run().is_empty() && self.line(to).is_plain() {
            let len = self.wires.write_last(to, chunk.run());
            chunk.take(len);
        }
    }

    fn end(&mut self, to: Side) {
        let line = self.line_mut(to);
        if line.is_open() {
            line.outlet = Outlet::Ending;
        }
    }
}

/// Bytes.
impl<D: Wire, U: Wire> Relay<D, U> {
    /// Writes as much of `bytes` as the side takes now, and keeps the rest.
    fn write(&mut self, to: Side, bytes: &[u8], turn: &mut Turn<'_, '_>) {
        if !self.line(to).is_open() {
            return;
        }
        if self.line(to).pending.is_some() {
            return self.keep(to, bytes, turn);
        }
        match self.write_some(to, bytes, turn) {
            Some(len) if len < bytes.len() => {
                self.keep(to, bytes.get(len..).unwrap_or_default(), turn);
            }
            Some(_) => self.flush(to, turn),
            None => {}
        }
    }

    /// Writes as much of `bytes` as the side takes now: how much that is, or `None` where it takes nothing any more.
    #[inline]
    pub(super) fn write_some(
        &mut self,
        to: Side,
        bytes: &[u8],
        turn: &mut Turn<'_, '_>,
    ) -> Option<usize> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.wires.poll_write(to, turn.cx, rest) {
                Poll::Ready(Ok(len)) => written += len,
                Poll::Ready(Err(_)) => {
                    self.fail(to, turn);
                    return None;
                }
                Poll::Pending => break,
            }
        }
        Some(written)
    }

    /// Goes on with what a side did not take before.
    pub(super) fn write_on(
        &mut self,
        to: Side,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome, Step> {
        let was_clear = self.line(to).is_clear();
        let step = match self.line_mut(to).pending.take() {
            Some(pending) => self.write_pending(to, pending, turn),
            None => Step::Idle,
        };
        if self.line(to).outlet == Outlet::Flushing {
            self.flush(to, turn);
        }
        if !was_clear && self.line(to).is_clear() {
            self.session.handle_flushed(to, turn.now);
            self.carry_out(&mut scratch.nothing(), turn)?;
        }
        if self.line(to).messages != Messages::None
            && let Step::Moved = self.publish_on(scratch, turn)?
        {
            return ControlFlow::Continue(Step::Moved);
        }
        ControlFlow::Continue(step)
    }

    fn write_pending(
        &mut self,
        to: Side,
        mut pending: Box<Pending>,
        turn: &mut Turn<'_, '_>,
    ) -> Step {
        let from = direction(to.other());
        let mut step = Step::Idle;
        while !pending.rest().is_empty() {
            let Poll::Ready(written) = self.wires.poll_write(to, turn.cx, pending.rest()) else {
                self.line_mut(to).pending = Some(pending);
                return step;
            };
            step = Step::Moved;
            let Ok(len) = written else {
                pending.settle(from, &self.traffic, turn.now);
                self.fail(to, turn);
                return step;
            };
            self.traffic.buffered(from, -signed(len));
            if let Some(message) = pending.advance(len) {
                self.delivered(&message, turn);
            }
        }
        pending.settle(from, &self.traffic, turn.now);
        self.flush(to, turn);
        step
    }

    pub(super) fn flush(&mut self, to: Side, turn: &mut Turn<'_, '_>) {
        if !self.line(to).is_open() {
            return;
        }
        match self.wires.poll_flush(to, turn.cx) {
            Poll::Ready(Ok(())) => self.line_mut(to).outlet = Outlet::Open,
            Poll::Ready(Err(_)) => self.fail(to, turn),
            Poll::Pending => {
                self.line_mut(to).outlet = Outlet::Flushing;
                self.session.handle_blocked(to);
            }
        }
    }

    /// Ends the stream to a side; or all of the session at once, where the peers have parted and it takes no more than to
    /// drop their sockets.
    pub(super) fn shut_down(
        &mut self,
        to: Side,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome, Step> {
        if self.may_part() {
            self.session.handle_parted();
            self.carry_out(&mut scratch.nothing(), turn)?;
        }
        // Where it cannot be ended it has ended: reading from the side tells how.
        let Poll::Ready(_) = self.wires.poll_shutdown(to, turn.cx) else {
            return ControlFlow::Continue(Step::Idle);
        };
        self.line_mut(to).outlet = Outlet::Ended;
        self.session.handle_flushed(to, turn.now);
        self.carry_out(&mut scratch.nothing(), turn)?;
        ControlFlow::Continue(Step::Moved)
    }

    fn may_part(&self) -> bool {
        let is_clear = Side::BOTH
            .into_iter()
            .all(|side| self.line(side).is_clear());
        is_clear && self.wires.are_sockets() && self.session.have_parted()
    }

    fn keep(&mut self, to: Side, bytes: &[u8], turn: &Turn<'_, '_>) {
        self.session.handle_blocked(to);
        let pending = &mut self.line_mut(to).pending;
        pending
            .get_or_insert_with(|| Box::new(Pending::new(turn.now)))
            .push(bytes);
        self.traffic
            .buffered(direction(to.other()), signed(bytes.len()));
    }

    #[cold]
    fn fail(&mut self, to: Side, turn: &Turn<'_, '_>) {
        self.line_mut(to).outlet = Outlet::Failed;
        self.settle_pending(to, turn.now);
    }
}
