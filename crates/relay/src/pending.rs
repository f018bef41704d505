//! What a peer has not taken yet. There is one only while that is so.

use std::time::{Duration, Instant};

use switchyard_telemetry::RouteTraffic;
use switchyard_telemetry::labels::Direction;

/// Bytes that wait for a slow peer, in order. It holds no more room than bytes were put in.
pub(crate) struct Pending {
    bytes: Vec<u8>,
    written: usize,
    since: Instant,
}

impl Pending {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            bytes: Vec::new(),
            written: 0,
            since: now,
        }
    }

    /// Adds bytes at the end.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.reserve_exact(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// What is still to be written.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Notes that the peer took `len` of the rest.
    pub(crate) fn advance(&mut self, len: usize) {
        self.written += len;
    }

    /// Takes it out of the gauge and counts how long it has been, whether or not all was taken.
    pub(crate) fn settle(&self, from: Direction, traffic: &RouteTraffic, now: Instant) {
        traffic.buffered(from, -signed(self.rest().len()));
        traffic.backpressure(from, self.lasted(now));
    }

    fn lasted(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

/// A length as a change of a gauge.
pub(crate) fn signed(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_no_more_room_than_it_needs() {
        let mut pending = Pending::new(crate::now());
        pending.push(&[1; 1000]);
        assert_eq!(pending.bytes.capacity(), 1000);
        pending.push(&[2; 77]);
        assert_eq!(pending.bytes.capacity(), 1077);
    }

    #[test]
    fn what_was_taken_is_not_written_again() {
        let mut pending = Pending::new(crate::now());
        pending.push(b"hello");
        pending.advance(2);
        pending.push(b" there");
        assert_eq!(pending.rest(), b"llo there");
        pending.advance(9);
        assert!(pending.rest().is_empty());
    }
}
