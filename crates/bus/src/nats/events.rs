//! What the client tells of a connection beside its messages.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use arcstr::ArcStr;
use async_nats::{Event, ServerError};
use tokio::sync::Notify;
use tracing::warn;

/// What was told so far of one connection. The client may leave out some of what it tells when there is much of it.
#[derive(Default)]
pub(super) struct Events {
    news: Notify,
    is_lost: AtomicBool,
    has_connected: AtomicBool,
    overrun: AtomicU64,
    refusal: Mutex<Option<ArcStr>>,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The connection has ended.
    Lost,
    /// So many messages, at least, came faster than they were taken.
    Overrun(u64),
}

impl Events {
    /// Never waits.
    pub(super) fn take(&self, event: Event) {
        match event {
            Event::Disconnected | Event::Closed => self.is_lost.store(true, Ordering::Release),
            // A second one that the client made itself.
            Event::Connected if self.has_connected.swap(true, Ordering::AcqRel) => {
                self.is_lost.store(true, Ordering::Release);
            }
            Event::SlowConsumer(_) => _ = self.overrun.fetch_add(1, Ordering::Relaxed),
            Event::ServerError(error) => self.refused(&error),
            Event::Connected | Event::LameDuckMode | Event::Draining | Event::ClientError(_) => {}
        }
        self.news.notify_one();
    }

    /// The next that there is to do.
    pub(super) async fn next(&self) -> News {
        loop {
            if self.is_lost.load(Ordering::Acquire) {
                return News::Lost;
            }
            match self.overrun.swap(0, Ordering::Relaxed) {
                0 => self.news.notified().await,
                messages => return News::Overrun(messages),
            }
        }
    }

    /// The last that the server would not do.
    pub(super) fn refusal(&self) -> Option<ArcStr> {
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        refusal.clone()
    }

    fn refused(&self, error: &ServerError) {
        let text: ArcStr = error.to_string().into();
        warn!(fault = %text, "the bus refused");
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_that_were_lost_are_counted() {
        let events = Events::default();
        events.take(Event::Connected);
        events.take(Event::SlowConsumer(1));
        events.take(Event::SlowConsumer(2));
        assert_eq!(events.next().await, News::Overrun(2));
        events.take(Event::SlowConsumer(1));
        assert_eq!(events.next().await, News::Overrun(1));
    }

    #[tokio::test]
    async fn a_connection_is_lost_even_if_the_client_makes_another() {
        let events = Events::default();
        events.take(Event::Connected);
        events.take(Event::Connected);
        assert_eq!(events.next().await, News::Lost);
        assert_eq!(events.next().await, News::Lost);
    }

    #[test]
    fn what_the_server_would_not_do_is_remembered() {
        let events = Events::default();
        events.take(Event::ServerError(ServerError::Other("no".into())));
        assert_eq!(events.refusal().as_deref(), Some("nats: no"));
    }
}
