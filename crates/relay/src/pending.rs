//! What a peer has not taken yet. There is one only while that is so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_telemetry::RouteTraffic;
use switchyard_telemetry::labels::Direction;

use crate::message::Message;

/// Bytes that wait for a slow peer, in order, and among them a message that many peers may wait for. It holds no more room
/// than bytes were put in.
pub(crate) struct Pending {
    bytes: Vec<u8>,
    written: usize,
    behind: Option<Behind>,
    since: Instant,
}

/// A message behind the bytes, and what goes behind that.
struct Behind {
    message: Arc<Message>,
    written: usize,
    bytes: Vec<u8>,
}

impl Pending {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            bytes: Vec::new(),
            written: 0,
            behind: None,
            since: now,
        }
    }

    /// Adds bytes at the end.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let to = match &mut self.behind {
            Some(behind) => &mut behind.bytes,
            None => &mut self.bytes,
        };
        to.reserve_exact(bytes.len());
        to.extend_from_slice(bytes);
    }

    /// Adds a message at the end, of which so many bytes are written. There must be none.
    pub(crate) fn push_message(&mut self, message: Arc<Message>, written: usize) {
        self.behind = Some(Behind {
            message,
            written,
            bytes: Vec::new(),
        });
    }

    /// Whether a message is not written to its end.
    pub(crate) fn has_message(&self) -> bool {
        self.behind.is_some()
    }

    /// What is to be written next; nothing where nothing is left.
    pub(crate) fn rest(&self) -> &[u8] {
        let bytes = self.bytes.get(self.written..).unwrap_or_default();
        match &self.behind {
            Some(behind) if bytes.is_empty() => behind.rest(),
            _ => bytes,
        }
    }

    /// How much is left.
    pub(crate) fn len(&self) -> usize {
        let behind = self.behind.as_ref();
        self.bytes.len() - self.written
            + behind.map_or(0, |behind| behind.rest().len() + behind.bytes.len())
    }

    /// Notes that the peer took `len` of the rest. The message, if that was the end of it.
    pub(crate) fn advance(&mut self, len: usize) -> Option<Arc<Message>> {
        if self.written < self.bytes.len() {
            self.written += len;
            return None;
        }
        let behind = self.behind.as_mut()?;
        behind.written += len;
        if !behind.rest().is_empty() {
            return None;
        }
        let behind = self.behind.take()?;
        (self.bytes, self.written) = (behind.bytes, 0);
        Some(behind.message)
    }

    /// Takes it out of the gauge and counts how long it has been, whether or not all was taken.
    pub(crate) fn settle(&self, from: Direction, traffic: &RouteTraffic, now: Instant) {
        traffic.buffered(from, -signed(self.len()));
        traffic.backpressure(from, self.lasted(now));
        if self.has_message() {
            traffic.undelivered(1);
        }
    }

    fn lasted(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

impl Behind {
    fn rest(&self) -> &[u8] {
        let frame = self.message.frame();
        frame.get(self.written..).unwrap_or_default()
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
        assert!(pending.advance(2).is_none());
        pending.push(b" there");
        assert_eq!(pending.rest(), b"llo there");
        assert!(pending.advance(9).is_none());
        assert!(pending.rest().is_empty());
    }

    #[test]
    fn a_message_goes_in_its_place_and_is_not_copied() {
        let message = Arc::new(Message::text("hello", crate::now()));
        let mut pending = Pending::new(crate::now());
        pending.push(b"before");
        pending.push_message(Arc::clone(&message), 2);
        pending.push(b"more");
        assert_eq!((pending.rest(), pending.len()), (&b"before"[..], 15));
        assert!(pending.advance(6).is_none());
        assert_eq!((pending.rest(), pending.len()), (&b"hello"[..], 9));
        assert!(pending.advance(4).is_none());
        assert_eq!((pending.rest(), pending.len()), (&b"o"[..], 5));
        let written = pending.advance(1).expect("the end of it");
        assert!(Arc::ptr_eq(&written, &message));
        assert_eq!((pending.rest(), pending.len()), (&b"more"[..], 4));
        assert!(pending.advance(4).is_none());
        assert_eq!((pending.rest(), pending.len()), (&b""[..], 0));
        assert!(!pending.has_message());
    }
}
