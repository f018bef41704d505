//! One block of counts. Written by one thread, read by any; it knows no names and no format.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::pings::Pings;
use super::push::Published;
use crate::labels::{Direction, FrameKind, MessageKind, Side};

/// Upper bounds of the size buckets, in bytes: powers of four, from a ping to the default limit.
pub(super) const SIZE_BOUNDS: [f64; 11] = [
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// One more than the bounds: the last bucket has none.
pub(super) const SIZE_BUCKETS: usize = SIZE_BOUNDS.len() + 1;

/// The counts of one worker for one route.
///
/// Only the worker that asked for it may write to it. A second writer would lose counts; nothing
/// worse could happen.
#[derive(Default)]
#[repr(align(128))]
pub struct RouteTraffic {
    sessions: Tally,
    from_downstream: DirectionTraffic,
    from_upstream: DirectionTraffic,
    downstream_pings: Pings,
    upstream_pings: Pings,
    published: Published,
}

impl RouteTraffic {
    /// Counts a session as open until the guard is dropped, which gives access to the block.
    #[must_use = "the session counts as open while the guard lives"]
    pub fn session(self: &Arc<Self>) -> CountedSession {
        self.sessions.add(1);
        CountedSession {
            traffic: Arc::clone(self),
        }
    }

    /// Counts a frame that was let through.
    #[inline]
    pub fn frame(&self, from: Direction, kind: FrameKind) {
        self.direction(from).frames(kind).add(1);
    }

    /// Counts a whole message of `bytes` payload bytes on the wire, all its fragments together.
    #[inline]
    pub fn message(&self, from: Direction, kind: MessageKind, bytes: u64) {
        self.direction(from).messages(kind).observe(bytes);
    }

    /// Counts a whole message of one frame: the frame and the message.
    #[inline]
    pub fn whole(&self, from: Direction, kind: MessageKind, bytes: u64) {
        let data = self.direction(from).data(kind);
        data.frames.add(1);
        data.messages.observe(bytes);
    }

    /// Counts bytes that were read, frame headers included.
    #[inline]
    pub fn bytes(&self, from: Direction, bytes: u64) {
        self.direction(from).bytes.add(bytes);
    }

    /// Adds the time for which a direction was not read because its peer did not take what there
    /// was. Called when it ends.
    pub fn backpressure(&self, from: Direction, lasted: Duration) {
        let nanos = u64::try_from(lasted.as_nanos()).unwrap_or(u64::MAX);
        self.direction(from).backpressure_nanos.add(nanos);
    }

    /// Changes how many bytes of a direction are kept because its peer has not taken them.
    pub fn buffered(&self, from: Direction, delta: i64) {
        self.direction(from).buffered.add(delta.cast_unsigned());
    }

    /// Counts a Ping of the gateway's own that was answered after `rtt`.
    pub fn ping_answered(&self, side: Side, rtt: Duration) {
        self.pings(side).answered(rtt);
    }

    /// Counts a side that gave no sign of life after a Ping.
    pub fn ping_timed_out(&self, side: Side) {
        self.pings(side).timed_out();
    }

    /// Counts a published message that was written to a session so long after it came.
    pub fn delivered(&self, lag: Duration) {
        self.published.delivered(lag);
    }

    /// Counts published messages for which a session's queue had no room.
    pub fn queue_full(&self, messages: u64) {
        self.published.queue_full(messages);
    }

    /// Counts published messages that a session had not been sent when its end began.
    pub fn undelivered(&self, messages: u64) {
        self.published.closing(messages);
    }

    pub(super) fn published(&self) -> &Published {
        &self.published
    }

    pub(super) fn pings(&self, side: Side) -> &Pings {
        match side {
            Side::Downstream => &self.downstream_pings,
            Side::Upstream => &self.upstream_pings,
        }
    }

    pub(super) fn sessions(&self) -> u64 {
        self.sessions.get()
    }

    pub(super) fn direction(&self, from: Direction) -> &DirectionTraffic {
        match from {
            Direction::FromDownstream => &self.from_downstream,
            Direction::FromUpstream => &self.from_upstream,
        }
    }
}

/// An open session; the gauge falls when this is dropped.
pub struct CountedSession {
    traffic: Arc<RouteTraffic>,
}

impl Deref for CountedSession {
    type Target = RouteTraffic;

    fn deref(&self) -> &RouteTraffic {
        &self.traffic
    }
}

impl Drop for CountedSession {
    fn drop(&mut self) {
        self.traffic.sessions.add(u64::MAX); // one less, wrapping
    }
}

#[derive(Default)]
pub(super) struct DirectionTraffic {
    text: DataTraffic,
    binary: DataTraffic,
    continuation: Tally,
    close: Tally,
    ping: Tally,
    pong: Tally,
    pub(super) bytes: Tally,
    pub(super) backpressure_nanos: Tally,
    pub(super) buffered: Tally,
}

impl DirectionTraffic {
    pub(super) fn frames(&self, kind: FrameKind) -> &Tally {
        match kind {
            FrameKind::Continuation => &self.continuation,
            FrameKind::Text => &self.text.frames,
            FrameKind::Binary => &self.binary.frames,
            FrameKind::Close => &self.close,
            FrameKind::Ping => &self.ping,
            FrameKind::Pong => &self.pong,
        }
    }

    pub(super) fn messages(&self, kind: MessageKind) -> &Sizes {
        &self.data(kind).messages
    }

    #[inline]
    fn data(&self, kind: MessageKind) -> &DataTraffic {
        match kind {
            MessageKind::Text => &self.text,
            MessageKind::Binary => &self.binary,
        }
    }
}

/// Messages of one kind.
#[derive(Default)]
struct DataTraffic {
    /// Those with which messages begin.
    frames: Tally,
    messages: Sizes,
}

/// A histogram of sizes.
#[derive(Default)]
pub(super) struct Sizes {
    buckets: [Tally; SIZE_BUCKETS],
    sum: Tally,
}

impl Sizes {
    #[inline]
    fn observe(&self, bytes: u64) {
        self.sum.add(bytes);
        if let Some(bucket) = self.buckets.get(bucket_of(bytes)) {
            bucket.add(1);
        }
    }

    pub(super) fn counts(&self) -> [u64; SIZE_BUCKETS] {
        self.buckets.each_ref().map(Tally::get)
    }

    pub(super) fn sum(&self) -> u64 {
        self.sum.get()
    }
}

/// The first bucket whose bound is not below `bytes`: half the binary logarithm, from 16 on.
#[inline]
fn bucket_of(bytes: u64) -> usize {
    // Those of the lowest bits that are set here make no difference, but that there is a logarithm.
    let quarter = bytes.saturating_sub(1) >> 2 | 0b11;
    (quarter.ilog2() as usize / 2).min(SIZE_BUCKETS - 1)
}

/// A number with one writer: no read-modify-write, no ordering.
#[derive(Default)]
pub(super) struct Tally(AtomicU64);

impl Tally {
    #[inline]
    pub(super) fn add(&self, delta: u64) {
        self.0
            .store(self.get().wrapping_add(delta), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_falls_into_the_first_bucket_that_holds_it() {
        for (index, bound) in SIZE_BOUNDS.iter().enumerate() {
            let bytes = 16_u64 << (2 * index);
            assert_eq!(bytes.to_string(), bound.to_string());
            assert_eq!(bucket_of(bytes), index, "{bytes}");
            assert_eq!(bucket_of(bytes + 1), index + 1, "{bytes} + 1");
        }
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(u64::MAX), SIZE_BUCKETS - 1);
    }

    #[test]
    fn a_whole_message_is_a_frame_and_a_message() {
        let [apart, at_once] = [RouteTraffic::default(), RouteTraffic::default()];
        let sizes = [0, 16, 17, 300, 70_000];
        for (from, kind, frame) in [
            (
                Direction::FromDownstream,
                MessageKind::Text,
                FrameKind::Text,
            ),
            (
                Direction::FromUpstream,
                MessageKind::Binary,
                FrameKind::Binary,
            ),
        ] {
            for bytes in sizes {
                apart.frame(from, frame);
                apart.message(from, kind, bytes);
                at_once.whole(from, kind, bytes);
            }
        }
        for from in Direction::ALL {
            let [apart, at_once] = [&apart, &at_once].map(|it| it.direction(from));
            for kind in FrameKind::ALL {
                assert_eq!(at_once.frames(kind).get(), apart.frames(kind).get());
            }
            for kind in MessageKind::ALL {
                let [apart, at_once] = [apart, at_once].map(|it| it.messages(kind));
                assert_eq!(at_once.counts(), apart.counts());
                assert_eq!(at_once.sum(), apart.sum());
            }
        }
        let texts = at_once.direction(Direction::FromDownstream);
        assert_eq!(texts.frames(FrameKind::Text).get(), 5);
        assert_eq!(texts.messages(MessageKind::Text).counts()[..3], [2, 1, 0]);
    }

    #[test]
    fn a_session_counts_while_its_guard_lives() {
        let traffic = Arc::new(RouteTraffic::default());
        let first = traffic.session();
        let second = traffic.session();
        assert_eq!(traffic.sessions(), 2);
        drop(first);
        assert_eq!(traffic.sessions(), 1);
        drop(second);
        assert_eq!(traffic.sessions(), 0);
    }

    #[test]
    fn blocks_of_two_workers_share_no_cache_line() {
        assert_eq!(align_of::<RouteTraffic>(), 128);
    }
}
