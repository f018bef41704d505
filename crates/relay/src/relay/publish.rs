//! Messages of the gateway's own: from the mailbox to the client, between those of the endpoint.
//!
//! They stay in the mailbox until they are written, and are written while nothing else waits for the client. Where something
//! does, one of them takes its place behind it, so that an endpoint that never pauses cannot keep them waiting for ever.
//! Nothing of them is counted as the endpoint's traffic.

use std::iter;
use std::ops::ControlFlow;
use std::sync::Arc;

use switchyard_proto::Side;
use switchyard_proto::session::Outcome;
use switchyard_wire::Wire;

use super::line::Messages;
use super::{BUDGET, Relay, Step, Turn};
use crate::backlog::Loan;
use crate::message::Message;
use crate::meter::direction;
use crate::pending::{Pending, signed};
use crate::scratch::{Chunk, Scratch};

/// The most that small messages are put together to, in bytes.
const GATHER: usize = 64 * 1024;

/// Who gets them.
const TO: Side = Side::Downstream;

impl<D: Wire, U: Wire> Relay<D, U> {
    /// Has the messages that wait written at the next message boundary.
    pub(super) fn expect_messages(&mut self) {
        self.line_mut(TO).messages = Messages::Due;
        self.session.handle_publish(TO);
    }

    /// Goes on with messages that wait, if it can, or gives them up once the end has begun.
    #[cold]
    pub(super) fn publish_on(
        &mut self,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Outcome, Step> {
        if self.session.ending().is_some() {
            self.refuse_messages();
        } else if self.line(TO).messages == Messages::Deferred
            && self.line(TO).is_clear()
            && turn.moved < BUDGET
        {
            self.expect_messages();
            let before = turn.moved;
            self.carry_out(&mut scratch.nothing(), turn)?;
            if turn.moved > before {
                return ControlFlow::Continue(Step::Moved);
            }
        }
        ControlFlow::Continue(Step::Idle)
    }

    /// The stream to the client is between two messages: writes what waits, a batch at a time.
    #[inline(never)]
    pub(super) fn publish(&mut self, chunk: &mut Chunk<'_>, turn: &mut Turn<'_, '_>) {
        self.write_run(chunk, turn);
        let line = self.line_mut(TO);
        let is_taken = line.pending.as_ref().is_some_and(|it| it.has_message());
        if is_taken || turn.moved >= BUDGET {
            line.messages = Messages::Deferred;
            return;
        }
        line.messages = Messages::None;
        if !line.is_open() {
            return;
        }
        let most = if line.is_clear() { GATHER } else { 0 };
        let Some(loan) = self.ticket.lend(most) else {
            return;
        };
        let unwritten = self.write_loan(&loan, chunk, turn);
        let (dropped, has_more) = self.ticket.settle(unwritten);
        self.count_dropped(dropped);
        if has_more {
            self.expect_messages();
        }
    }

    /// Writes what was lent. Returns what is not to be written yet.
    fn write_loan<'a>(
        &mut self,
        loan: &'a Loan,
        chunk: &mut Chunk<'_>,
        turn: &mut Turn<'_, '_>,
    ) -> &'a [Arc<Message>] {
        if !self.line(TO).is_clear() {
            self.keep_message(&loan.first, 0, turn);
            return &loan.rest;
        }
        let written = if loan.rest.is_empty() {
            self.write_some(TO, loan.first.frame(), turn)
        } else {
            let all = iter::once(&loan.first).chain(&loan.rest);
            let frames = chunk.gather(all.map(|message| message.frame()));
            self.write_some(TO, frames, turn)
        };
        if let Some(len) = written {
            return self.settle_loan(loan, len, turn);
        }
        self.traffic.undelivered(1 + loan.rest.len() as u64);
        &[]
    }

    /// The client took `len` bytes of what was lent: keeps the rest of the message that it took a part of. Returns
    /// those behind that one.
    fn settle_loan<'a>(
        &mut self,
        loan: &'a Loan,
        len: usize,
        turn: &mut Turn<'_, '_>,
    ) -> &'a [Arc<Message>] {
        turn.moved += len;
        let (mut message, mut rest, mut left) = (&loan.first, &*loan.rest, len);
        while left >= message.frame().len() {
            self.delivered(message, turn);
            left -= message.frame().len();
            let Some((next, behind)) = rest.split_first() else {
                self.flush(TO, turn);
                return &[];
            };
            (message, rest) = (next, behind);
        }
        self.keep_message(message, left, turn);
        rest
    }

    /// Keeps the rest of a message, of which so many bytes are written, behind what waits for the client.
    fn keep_message(&mut self, message: &Arc<Message>, written: usize, turn: &Turn<'_, '_>) {
        self.session.handle_blocked(TO);
        let pending = &mut self.line_mut(TO).pending;
        let pending = pending.get_or_insert_with(|| Box::new(Pending::new(turn.now)));
        pending.push_message(Arc::clone(message), written);
        let kept = signed(message.frame().len() - written);
        self.traffic.buffered(direction(TO.other()), kept);
    }

    /// A message is written to its end.
    pub(super) fn delivered(&mut self, message: &Message, turn: &Turn<'_, '_>) {
        let lag = turn.now.saturating_duration_since(message.came());
        self.traffic.delivered(lag);
        self.session.handle_published(turn.now);
        self.ticket.touch(turn.now);
    }
}

impl<D, U> Relay<D, U> {
    /// Takes no messages from now on, and counts those that wait.
    pub(super) fn refuse_messages(&mut self) {
        self.line_mut(TO).messages = Messages::None;
        let (dropped, undelivered) = self.ticket.refuse();
        self.count_dropped(dropped);
        if undelivered > 0 {
            self.traffic.undelivered(undelivered);
        }
    }

    /// Counts messages for which there was no room.
    pub(super) fn count_dropped(&self, messages: u64) {
        if messages > 0 {
            self.traffic.queue_full(messages);
        }
    }
}
