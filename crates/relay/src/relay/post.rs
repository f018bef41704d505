//! What a session finds in its mailbox, and does about it.

use std::ops::ControlFlow;
use std::time::Instant;

use switchyard_proto::Side;
use switchyard_wire::Wire;

use super::line::Line;
use super::{Relay, Stop, Turn};
use crate::figures::Figures;
use crate::freeze::Freeze;
use crate::mailbox::{Command, Post};
use crate::scratch::Scratch;
use crate::terms::Terms;

impl<D: Wire, U: Wire> Relay<D, U> {
    /// Does as it was told, and answers what it was asked.
    #[cold]
    pub(super) fn answer(
        &mut self,
        scratch: &mut Scratch,
        turn: &mut Turn<'_, '_>,
    ) -> ControlFlow<Stop> {
        let Post {
            command,
            terms,
            questions,
            report,
            dropped,
            has_messages,
        } = self.ticket.take_post();
        if let Some(terms) = terms {
            self.adopt(terms, turn.now);
        }
        let freeze = self.obey(command, turn.now);
        self.count_dropped(dropped);
        if has_messages {
            self.expect_messages();
        }
        for question in questions {
            // Whoever asked may have gone.
            question.send(self.figures(turn.now)).ok();
        }
        if let Some(report) = report {
            report(self.ticket.info(), &self.figures(turn.now));
        }
        if let Some(freeze) = freeze {
            // An alarm may have come too: it is for when the session goes on.
            self.ticket.ring();
            return ControlFlow::Break(Stop::Asked(freeze));
        }
        self.carry_out(&mut scratch.nothing(), turn)
            .map_break(Stop::Over)
    }

    /// Does what is to be done at once; what is not, is given back.
    fn obey(&mut self, command: Option<Command>, now: Instant) -> Option<Freeze> {
        match command? {
            Command::Close(cause, close) => self.session.handle_close(cause, &close, now),
            Command::Cut(cause) => self.session.handle_cut(cause),
            Command::Freeze(freeze) => return Some(freeze),
        }
        None
    }

    #[cold]
    fn adopt(&mut self, terms: Terms, now: Instant) {
        let Terms {
            policy,
            limits,
            random,
        } = terms;
        self.read_limit = limits.read();
        let mut random = random.into_iter();
        let random = || random.next().unwrap_or_default();
        let opened = self.ticket.info().opened;
        self.session.handle_policy(policy, opened, random, now);
        for side in Side::BOTH {
            if !self.line(side).is_clear() {
                self.session.handle_blocked(side);
            }
        }
    }

    fn figures(&self, now: Instant) -> Figures {
        let [upstream, downstream] = [&self.upstream, &self.downstream].map(Line::kept);
        Figures::of(&self.session, &self.ticket, upstream, downstream, now)
    }
}
