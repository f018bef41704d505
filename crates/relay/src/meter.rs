//! Translates between `proto`'s words and telemetry's while frames are counted.

use std::time::Duration;

use switchyard_proto::Side;
use switchyard_proto::frame::OpCode;
use switchyard_proto::session::{MessageKind, Observer};
use switchyard_telemetry::RouteTraffic;
use switchyard_telemetry::labels::{self, Direction, FrameKind};

/// Counts what the session machine lets through.
pub struct Meter<'a>(&'a RouteTraffic);

impl<'a> Meter<'a> {
    /// Counts there.
    pub fn new(traffic: &'a RouteTraffic) -> Self {
        Self(traffic)
    }
}

impl Observer for Meter<'_> {
    #[inline]
    fn frame(&mut self, from: Side, opcode: OpCode, _payload_len: u64) {
        let kind = match opcode {
            OpCode::Continuation => FrameKind::Continuation,
            OpCode::Text => FrameKind::Text,
            OpCode::Binary => FrameKind::Binary,
            OpCode::Close => FrameKind::Close,
            OpCode::Ping => FrameKind::Ping,
            OpCode::Pong => FrameKind::Pong,
        };
        self.0.frame(direction(from), kind);
    }

    #[inline]
    fn message(&mut self, from: Side, kind: MessageKind, len: u64) {
        self.0.message(direction(from), message_kind(kind), len);
    }

    #[inline]
    fn whole(&mut self, from: Side, kind: MessageKind, len: u64) {
        self.0.whole(direction(from), message_kind(kind), len);
    }

    fn answered(&mut self, from: Side, rtt: Duration) {
        self.0.ping_answered(side(from), rtt);
    }
}

#[inline]
fn message_kind(kind: MessageKind) -> labels::MessageKind {
    match kind {
        MessageKind::Text => labels::MessageKind::Text,
        MessageKind::Binary => labels::MessageKind::Binary,
    }
}

/// A side, as it is counted.
pub(crate) fn side(side: Side) -> labels::Side {
    match side {
        Side::Downstream => labels::Side::Downstream,
        Side::Upstream => labels::Side::Upstream,
    }
}

/// The direction of bytes that come from a side.
#[inline]
pub(crate) fn direction(from: Side) -> Direction {
    match from {
        Side::Downstream => Direction::FromDownstream,
        Side::Upstream => Direction::FromUpstream,
    }
}
