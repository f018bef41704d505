//! From a side to the session machine: early bytes first, then what is read.

use std::io;
use std::ops::ControlFlow;
use std::task::Poll;

use switchyard_proto::Side;
use switchyard_proto::session::Outcome;
use switchyard_wire::Wire;

use super::line::Outlet;
use super::{Relay, Step, Turn};
use crate::meter::{Meter, direction};
use crate::scratch::Scratch;

impl<D: Wire, U: Wire> Relay<D, U> {
    /// Reads once from `from`, and moves what came.
    pub(super) fn read(
        &mut self,
        from: Side,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome, Step> {
        match self.poll_read(from, turn, scratch.area(self.read_limit)) {
            Poll::Pending => return ControlFlow::Continue(Step::Idle),
            Poll::Ready(Ok(0)) if self.line(from).outlet == Outlet::Failed => {
                return ControlFlow::Continue(Step::Idle);
            }
            Poll::Ready(Ok(0)) => {
                self.session.handle_eof(from, turn.now);
                self.carry_out(&mut scratch.nothing(), turn)?;
            }
            Poll::Ready(Ok(len)) => self.take_in(from, len, scratch, turn)?,
            Poll::Ready(Err(_)) => self.lose(from, scratch, turn)?,
        }
        ControlFlow::Continue(Step::Moved)
    }

    fn poll_read(
        &mut self,
        from: Side,
        turn: &mut Turn<'_, '_>,
        area: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.take_early(from, area) {
            // 0 would stand for the end of the stream.
            0 => {
                let line = match from {
                    Side::Downstream => &mut self.downstream,
                    Side::Upstream => &mut self.upstream,
                };
                self.wires.poll_read(from, &mut line.waking, turn.cx, area)
            }
            len => Poll::Ready(Ok(len)),
        }
    }

    fn take_early(&mut self, from: Side, area: &mut [u8]) -> usize {
        let Some(early) = &mut self.early else {
            return 0;
        };
        let len = early.take(from, area);
        if early.is_empty() {
            self.early = None;
        }
        len
    }

    /// Shows the session machine what was read, and does what it says.
    fn take_in(
        &mut self,
        from: Side,
        len: usize,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome> {
        turn.moved += len;
        self.traffic.bytes(direction(from), len as u64);
        let mut chunk = scratch.chunk(from.other(), len);
        while !chunk.input().is_empty() {
            let mut meter = Meter::new(&self.traffic);
            let used = self
                .session
                .handle_input(from, chunk.input(), turn.now, &mut meter);
            self.ticket.touch(self.session.active());
            self.carry_out(&mut chunk, turn)?;
            debug_assert_ne!(used, 0, "the machine is polled to its end each time");
        }
        ControlFlow::Continue(())
    }
}
