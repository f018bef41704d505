//! How a session ends once it has begun to: who is told what, and when it is over.
//!
//! Not here: what begins the end (`session` and `input`).

use std::time::Instant;

use super::peer::{Inbound, Outbound, Peer, Publish};
use super::{Cause, First, Initiator, Life, Outcome, Output, Session, WaitReason};
use crate::Side;
use crate::close::{Close, CloseCode};
use crate::frame::{ControlFrame, Owned};

/// What clients are told when their endpoint is gone.
const ENDPOINT_LOST: &str = "endpoint lost";

impl Session {
    /// Notes what began the end and starts its first phase; only the first call counts. Nothing
    /// is published from then on, so nothing waits for the end of a message.
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
        }
    }

    pub(super) fn finish(&mut self, otherwise: First) {
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

    pub(super) fn owe_both(&mut self, close: &Close) {
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
    pub(super) fn leave_alone(&mut self, to: Side) {
        let boundary = self.peers.of(to.other()).scanner.at_frame_boundary();
        let peer = self.peers.of_mut(to);
        let listens = to == Side::Downstream && peer.inbound == Inbound::Open;
        match peer.outbound {
            Outbound::Open if boundary && listens => {
                self.owe(to, &explained(CloseCode::SERVICE_RESTART, ENDPOINT_LOST));
            }
            Outbound::CloseDue(_) if boundary => {}
            Outbound::Open | Outbound::CloseDue(_) => peer.outbound = Outbound::FinDue,
            Outbound::Closed | Outbound::FinDue | Outbound::FinAsked | Outbound::Done => {}
        }
    }

    pub(super) fn are_ended_outwards(&self) -> bool {
        self.peers
            .both(|peer| matches!(peer.outbound, Outbound::Done))
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
pub(super) fn explained(code: CloseCode, reason: &str) -> Close {
    Close::new(code, reason).unwrap_or_else(|_| code.into())
}
