//! What the machine knows of one peer: the stream that comes from it and the stream that goes to
//! it.

use super::Traffic;
use crate::Side;
use crate::frame::ControlFrame;
use crate::handshake::Deflate;
use crate::scanner::{Scanner, StopAt};

/// The stream that comes from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inbound {
    /// Its frames are checked.
    Open,
    /// Its Close was seen; what follows is dropped (RFC 6455 section 5.5.1).
    Closed,
    /// It broke a rule; what follows is dropped unread (section 7.1.7).
    Refused,
    /// It ended without a Close.
    Ended,
    /// It ended after its Close.
    ClosedAndEnded,
}

impl Inbound {
    pub(super) fn is_ended(self) -> bool {
        matches!(self, Self::Ended | Self::ClosedAndEnded)
    }

    pub(super) fn said_close(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedAndEnded)
    }

    pub(super) fn ended(self) -> Self {
        if self.said_close() {
            Self::ClosedAndEnded
        } else {
            Self::Ended
        }
    }
}

/// The stream that goes to a peer. It only ever moves down this list.
#[derive(Debug)]
pub(super) enum Outbound {
    /// The other peer's frames are passed on.
    Open,
    /// They are passed on up to the end of the current frame or message; this Close follows.
    CloseDue(Box<ControlFrame>, StopAt),
    /// A Close was passed on or sent; nothing follows it.
    Closed,
    /// The stream is to be ended.
    FinDue,
    /// The caller was asked to end it.
    FinAsked,
    /// It is ended and on the wire, or there is no one there.
    Done,
}

impl Outbound {
    /// Whether bytes of the other peer still go this way.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open | Self::CloseDue(..))
    }
}

/// One peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) scanner: Scanner,
    /// What was agreed on for the frames of both.
    pub(super) deflate: Deflate,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
    pub(super) publish: Publish,
    pub(super) traffic: Traffic,
}

/// Whether the caller has a message for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Publish {
    No,
    Due,
}

impl Peer {
    fn new(deflate: Deflate) -> Self {
        Self {
            scanner: Scanner::new(),
            deflate,
            inbound: Inbound::Open,
            outbound: Outbound::Open,
            publish: Publish::No,
            traffic: Traffic::default(),
        }
    }

    /// Where the other peer's input has to stop so that something else can be sent to this one.
    #[inline]
    pub(super) fn stop_at(&self) -> StopAt {
        match (&self.outbound, self.publish) {
            (Outbound::CloseDue(_, at), _) => *at,
            (Outbound::Open, Publish::Due) => StopAt::Message,
            _ => StopAt::Never,
        }
    }

    /// Ends the stream to this peer, which is at `side`, once nothing more is to be said or heard. Servers end theirs
    /// first (RFC 6455 section 7.1.1), and who ends first keeps the connection's port for a while: so an endpoint that
    /// has said its Close is waited for.
    pub(super) fn settle(&mut self, side: Side) {
        let is_heard = match side {
            Side::Downstream => self.inbound != Inbound::Open,
            Side::Upstream => !matches!(self.inbound, Inbound::Open | Inbound::Closed),
        };
        if is_heard && matches!(self.outbound, Outbound::Closed) {
            self.outbound = Outbound::FinDue;
        }
    }

    /// Whether this peer has said Close and was told one, and there is nothing to wait for before its stream ends.
    pub(super) fn has_parted(&self) -> bool {
        self.inbound.said_close() && matches!(self.outbound, Outbound::FinAsked | Outbound::Done)
    }

    /// Whether what came from this peer ends where something else may follow it. Of a peer that
    /// says no more the rest of a message is not waited for.
    pub(super) fn is_at(&self, at: StopAt) -> bool {
        match at {
            StopAt::Message if self.inbound == Inbound::Open => self.scanner.at_message_boundary(),
            StopAt::Never | StopAt::Frame | StopAt::Message => self.scanner.at_frame_boundary(),
        }
    }

    /// Whether nothing more happens on either stream.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.outbound, Outbound::Done) && self.inbound.is_ended()
    }
}

/// Both peers.
#[derive(Debug)]
pub(super) struct Peers {
    downstream: Peer,
    upstream: Peer,
}

impl Peers {
    pub(super) fn new(deflate: Deflate) -> Self {
        Self {
            downstream: Peer::new(deflate),
            upstream: Peer::new(deflate),
        }
    }

    #[inline]
    pub(super) fn of(&self, side: Side) -> &Peer {
        match side {
            Side::Downstream => &self.downstream,
            Side::Upstream => &self.upstream,
        }
    }

    #[inline]
    pub(super) fn of_mut(&mut self, side: Side) -> &mut Peer {
        match side {
            Side::Downstream => &mut self.downstream,
            Side::Upstream => &mut self.upstream,
        }
    }

    /// Whether all that the peers have left to do is to end their streams: the client was sent a FIN, and so was the
    /// endpoint, or it has said its Close and was told one. Once true it stays true.
    pub(super) fn are_told(&self) -> bool {
        let upstream = &self.upstream;
        let is_waited_for = upstream.inbound.said_close() && !upstream.outbound.is_open();
        matches!(self.downstream.outbound, Outbound::Done)
            && (is_waited_for || matches!(upstream.outbound, Outbound::Done))
    }

    pub(super) fn both(&self, predicate: impl Fn(&Peer) -> bool) -> bool {
        predicate(&self.downstream) && predicate(&self.upstream)
    }

    pub(super) fn settle(&mut self) {
        self.downstream.settle(Side::Downstream);
        self.upstream.settle(Side::Upstream);
    }
}
