//! How many streams of a connection are open, and how long there has been none.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Frame, SizeHint};
use switchyard_upstream::Body;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::connection::Connection;

/// The streams of one connection.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: AtomicU32,
    /// The first has opened, or the last has ended.
    changed: Notify,
}

impl Streams {
    /// Returns when no stream has been open for `patience`.
    pub(super) async fn idle(&self, patience: Duration) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.open.load(Ordering::Acquire) > 0 {
                changed.await;
            } else if timeout(patience, changed).await.is_err() {
                return;
            }
        }
    }

    fn enter(&self) {
        if self.open.fetch_add(1, Ordering::AcqRel) == 0 {
            self.changed.notify_waiters();
        }
    }

    fn leave(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.changed.notify_waiters();
        }
    }
}

/// A stream counts as open while one of these lives: a request's, its answer's, its session's.
pub(crate) struct Open(Arc<Connection>);

impl Open {
    pub(super) fn on(connection: &Arc<Connection>) -> Self {
        connection.streams.enter();
        Self(Arc::clone(connection))
    }

    /// Holds on until `body` is done.
    pub(super) fn through(self, body: Body) -> Answer {
        Answer { body, _open: self }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.streams.leave();
    }
}

/// The body of an answer.
pub(super) struct Answer {
    body: Body,
    _open: Open,
}

impl HttpBody for Answer {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn idle_is_without_a_stream_for_as_long() {
        let (streams, begun) = (Streams::default(), Instant::now());
        let use_it = async {
            sleep(Duration::from_secs(9)).await;
            streams.enter();
            sleep(Duration::from_mins(1)).await;
            streams.enter();
            streams.leave();
            streams.leave();
        };
        tokio::join!(streams.idle(PATIENCE), use_it);
        assert_eq!(begun.elapsed(), Duration::from_secs(79));
    }
}
