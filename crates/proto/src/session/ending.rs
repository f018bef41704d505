//! How a session ends once it has begun to: who is told what, and when it is over.
//!
//! Not here: what begins the end (`session` and `input`).

use std::time::Instant;

use super::output::Plan;
use super::peer::{Inbound, Outbound, Peer, Peers, Publish};
use super::{Cause, First, Initiator, Life, Outcome, Output, Session, WaitReason};
use crate::Side;
use crate::close::{Close, CloseCode};
use crate::frame::{ControlFrame, Owned};
use crate::scanner::StopAt;

/// What clients are told when their endpoint is gone.
const ENDPOINT_LOST: &str = "endpoint lost";

impl Session {
    /// Notes what began the end and starts its first phase; only the first call counts. Nothing
    /// is published and nobody pinged from then on.
    pub(super) fn begin(
        &mut self,
        initiator: Initiator,
        code: CloseCode,
        cause: Cause,
        now: Instant,
    ) {
        if matches!(self.life, Life::Open) {
            let first = First {
                initiator,
                code,
                cause,
            };
            self.life = Life::Closing(first, self.policy.close_by(now));
            for side in Side::BOTH {
                self.peers.of_mut(side).publish = Publish::No;
            }
            if let Some(vigil) = &mut self.vigil {
                vigil.end();
            }
        }
    }

    pub(super) fn finish(&mut self, otherwise: First) {
        let first = match self.life {
            Life::Finished(_) => return,
            Life::Closing(first, ..) => first,
            Life::Open => otherwise,
        };
        self.plan = Plan::Empty;
        self.life = Life::Finished(Outcome {
            initiator: first.initiator,
            code: first.code,
            cause: first.cause,
            clean: self.peers.both(|peer| peer.inbound.said_close()),
        });
    }

    pub(super) fn owe_both(&mut self, close: &Close, at: StopAt) {
        for side in Side::BOTH {
            self.owe(side, close, at);
        }
    }

    fn owe(&mut self, to: Side, close: &Close, at: StopAt) {
        let mask = self.mask(to);
        let peer = self.peers.of_mut(to);
        if matches!(peer.outbound, Outbound::Open) {
            let frame = Box::new(ControlFrame::close(close, mask));
            peer.outbound = Outbound::CloseDue(frame, at);
        }
    }

    /// A side gave no sign of life in time: it is told nothing and not waited for. To the endpoint
    /// of such a client this is the gateway's doing, so it is told.
    pub(super) fn give_up(&mut self, dead: Side, now: Instant) {
        let cause = Cause::PingTimeout(dead);
        self.begin(Initiator::Gateway, CloseCode::ABNORMAL, cause, now);
        let peer = self.peers.of_mut(dead);
        peer.inbound = peer.inbound.ended();
        peer.outbound = Outbound::Done;
        match dead.other() {
            Side::Downstream => self.leave_alone(Side::Downstream),
            Side::Upstream => {
                let close = (CloseCode::GOING_AWAY, cause.reason());
                self.part(Side::Upstream, Some(close));
            }
        }
    }

    /// `to` has lost its peer, which said no Close: nothing more comes to be passed on. A client is
    /// told to come again; the endpoint of a client that left sees the same end as the gateway.
    pub(super) fn leave_alone(&mut self, to: Side) {
        let close = (CloseCode::SERVICE_RESTART, ENDPOINT_LOST);
        self.part(to, (to == Side::Downstream).then_some(close));
    }

    fn part(&mut self, to: Side, close: Option<(CloseCode, &str)>) {
        let boundary = self.peers.of(to.other()).scanner.at_frame_boundary();
        let peer = self.peers.of_mut(to);
        let close = close.filter(|_| peer.inbound == Inbound::Open);
        match (&peer.outbound, close) {
            (Outbound::Open, Some((code, reason))) if boundary => {
                self.owe(to, &explained(code, reason), StopAt::Frame);
            }
            (Outbound::CloseDue(..), _) if boundary => {}
            (Outbound::Open | Outbound::CloseDue(..), _) => peer.outbound = Outbound::FinDue,
            (Outbound::Closed | Outbound::FinDue | Outbound::FinAsked | Outbound::Done, _) => {}
        }
    }

    /// Notes that a peer was told or has said something. When all that they have left to do is to end their streams,
    /// they have as long again for it, counted once: two timeouts are the most that an end takes.
    pub(super) fn tell(&mut self, now: Instant, note: impl FnOnce(&mut Peers)) {
        let were_told = self.peers.are_told();
        note(&mut self.peers);
        if !were_told
            && self.peers.are_told()
            && let Life::Closing(_, deadline) = &mut self.life
        {
            *deadline = self.policy.close_by(now);
        }
    }

    #[cold]
    pub(super) fn poll_closing(&mut self, first: First, until: Option<Instant>) -> Output {
        for to in Side::BOTH {
            if let Some(output) = self.poll_last_words(to) {
                return output;
            }
        }
        if self.peers.both(Peer::is_done) {
            self.finish(first);
            return self.poll_output();
        }
        let reason = if self.peers.are_told() {
            WaitReason::Eof
        } else {
            WaitReason::Close
        };
        Output::Wait { until, reason }
    }

    /// The Close or the FIN that is due to `to`.
    fn poll_last_words(&mut self, to: Side) -> Option<Output> {
        let at = self.peers.of(to).stop_at();
        let has_room = self.peers.of(to.other()).is_at(at);
        let peer = self.peers.of_mut(to);
        match &mut peer.outbound {
            Outbound::CloseDue(frame, _) if has_room => {
                let bytes = Owned::Boxed(std::mem::take(frame));
                peer.outbound = Outbound::Closed;
                peer.settle(to);
                Some(Output::Send { to, bytes })
            }
            Outbound::FinDue => {
                peer.outbound = Outbound::FinAsked;
                Some(Output::Shutdown { to })
            }
            Outbound::Open
            | Outbound::CloseDue(..)
            | Outbound::Closed
            | Outbound::FinAsked
            | Outbound::Done => None,
        }
    }
}

/// A Close that explains itself, where the reason fits.
pub(super) fn explained(code: CloseCode, reason: &str) -> Close {
    Close::new(code, reason).unwrap_or_else(|_| code.into())
}
