//! How a session stands, as it says itself when it is asked.
//!
//! Nothing is kept for it: the question is left in the session's mailbox, and the session answers when its
//! task runs next. So a frame costs nothing more, and a worker that is stuck answers nothing.

use std::time::{Duration, Instant};

use switchyard_proto::Side;
use switchyard_proto::session::{Cause, Session, Traffic};

use crate::handle::Handle;

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How long it has been open.
    pub duration: Duration,
    /// How long nothing of a data frame has been read from either peer.
    pub idle: Duration,
    /// What the client has sent.
    pub from_downstream: Traffic,
    /// What the endpoint has sent.
    pub from_upstream: Traffic,
    /// Bytes of the client's that the endpoint has not taken yet.
    pub buffered_from_downstream: usize,
    /// Bytes of the endpoint's that the client has not taken yet, and of a published message that it has begun to take.
    pub buffered_from_upstream: usize,
    /// How long the client's last answer to a Ping of the gateway's own took.
    pub ping_rtt_downstream: Option<Duration>,
    /// The same of the endpoint.
    pub ping_rtt_upstream: Option<Duration>,
    /// What began its end, once it has begun.
    pub ending: Option<Cause>,
}

impl Figures {
    /// Those of a session for whose endpoint and client so many bytes are kept.
    pub(crate) fn of(
        session: &Session,
        handle: &Handle,
        for_upstream: usize,
        for_downstream: usize,
        now: Instant,
    ) -> Self {
        Self {
            duration: now.saturating_duration_since(handle.info().opened),
            idle: handle.idle(now),
            from_downstream: session.traffic(Side::Downstream),
            from_upstream: session.traffic(Side::Upstream),
            buffered_from_downstream: for_upstream,
            buffered_from_upstream: for_downstream,
            ping_rtt_downstream: session.ping_rtt(Side::Downstream),
            ping_rtt_upstream: session.ping_rtt(Side::Upstream),
            ending: session.ending(),
        }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_proto::{Close, CloseCode};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::testing::{KIB, LONG, World, leg, text};

    #[tokio::test(start_paused = true)]
    async fn a_session_says_what_it_has_moved_and_what_it_keeps() {
        let world = World::new();
        let ((mut client, down), (mut server, up)) = (duplex(KIB), duplex(16));
        world.spawn(leg(down), leg(up));
        let handle = world.registry.handles().pop().expect("it is open");
        let (small, large) = (
            text(Side::Upstream, "hello"),
            text(Side::Downstream, &"x".repeat(100)),
        );
        server.write_all(&small).await.expect("writes");
        client.write_all(&large).await.expect("writes");
        let mut received = vec![0; small.len()];
        client.read_exact(&mut received).await.expect("reads");
        let figures = handle.figures(LONG).await.expect("it answers");
        assert_eq!(figures.from_upstream.messages, 1);
        assert_eq!(figures.from_upstream.bytes, small.len() as u64);
        assert_eq!(figures.from_downstream.bytes, large.len() as u64);
        // The endpoint's pipe holds 16 bytes, and nobody reads it.
        assert_eq!(figures.buffered_from_downstream, large.len() - 16);
        assert_eq!(figures.buffered_from_upstream, 0);
        assert_eq!(figures.ending, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_is_told_to_go_says_why() {
        let world = World::new();
        let ((_client, down), (_server, up)) = (duplex(KIB), duplex(KIB));
        world.spawn(leg(down), leg(up));
        let handle = world.registry.handles().pop().expect("it is open");
        assert_eq!(handle.told(), None);
        handle.close(Cause::Admin, Close::from(CloseCode::GOING_AWAY));
        assert_eq!(handle.told(), Some(Cause::Admin));
        let figures = handle.figures(LONG).await.expect("it answers");
        assert_eq!(figures.ending, Some(Cause::Admin));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_longer_than_it_may_take() {
        let world = World::new();
        // Nothing polls it, as if its worker were stuck.
        let ((_client, down), (_server, up)) = (duplex(KIB), duplex(KIB));
        let relay = world.relay(leg(down), leg(up));
        let handle = world.registry.handles().pop().expect("it is open");
        let begun = Instant::now();
        let within = Duration::from_millis(500);
        assert_eq!(handle.figures(within).await, None);
        assert!(begun.elapsed() >= within);
        let begun = Instant::now();
        let (figures, ()) = tokio::join!(handle.figures(LONG), async { drop(relay) });
        assert_eq!((figures, handle.is_gone()), (None, true));
        assert_eq!(handle.figures(LONG).await, None);
        assert_eq!(
            begun.elapsed(),
            Duration::ZERO,
            "who has gone keeps nobody waiting"
        );
    }
}
