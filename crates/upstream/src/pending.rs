//! Handshakes that an endpoint has not answered yet: so many at once, the next ones wait in a queue.
//!
//! After a restart thousands of clients come at the same moment. An endpoint that has to do all their
//! handshakes at once does none of them in time; one after the other it does them all.
//!
//! Not here: who is tried instead of an endpoint whose queue is full (`ranking`).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use switchyard_config::PendingHandshakes;
use switchyard_telemetry::metrics::endpoint::EndpointMetrics;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time;

/// The handshakes under way with one endpoint, over all workers.
#[derive(Debug)]
pub(crate) struct Pending {
    limit: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    /// In the order in which they came.
    places: Semaphore,
    /// The most that wait.
    queue: u32,
    /// The longest that one waits.
    longest: Duration,
    waiting: AtomicU32,
}

/// Why a handshake was not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many wait as may.
    QueueFull,
    /// It has waited this long.
    Waited(Duration),
}

impl Pending {
    /// Nobody is there. Without `limit` everybody has a place.
    pub(crate) fn new(limit: Option<PendingHandshakes>) -> Self {
        Self {
            limit: limit.map(|limit| Limit {
                places: Semaphore::new(limit.max as usize),
                queue: limit.queue,
                longest: limit.wait,
                waiting: AtomicU32::new(0),
            }),
        }
    }

    /// Whether the next handshake would be refused.
    pub(crate) fn is_overrun(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| {
            limit.places.available_permits() == 0
                && limit.waiting.load(Ordering::Relaxed) >= limit.queue
        })
    }

    /// Waits for a place, which is to be given back with [`leave`](Self::leave).
    pub(crate) async fn enter(&self, metrics: &EndpointMetrics) -> Result<(), Refusal> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        let permit = match limit.places.try_acquire() {
            Ok(permit) => permit,
            // Boxed: hardly any handshake waits, and each would have the room for it.
            Err(_taken) => Box::pin(limit.wait(metrics)).await?,
        };
        permit.forget();
        Ok(())
    }

    pub(crate) fn leave(&self) {
        if let Some(limit) = &self.limit {
            limit.places.add_permits(1);
        }
    }
}

impl Limit {
    async fn wait<'a>(
        &'a self,
        metrics: &'a EndpointMetrics,
    ) -> Result<SemaphorePermit<'a>, Refusal> {
        let _waiting = self.queue_up().ok_or(Refusal::QueueFull)?;
        let _gauge = metrics.queued();
        match time::timeout(self.longest, self.places.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Err(Refusal::Waited(self.longest)),
        }
    }

    fn queue_up(&self) -> Option<Waiting<'_>> {
        let count = &self.waiting;
        let room = |waiting| (waiting < self.queue).then(|| waiting + 1);
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
            .ok()
            .map(|_| Waiting(count))
    }
}

/// One that waits, counted until it does no longer.
struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::Poll;

    use super::*;
    use crate::testing::Rig;

    const WAIT: Duration = Duration::from_secs(1);

    fn pending(max: u32, queue: u32) -> (Pending, EndpointMetrics) {
        let limit = PendingHandshakes {
            max,
            queue,
            wait: WAIT,
        };
        let metrics = Rig::new().metrics.endpoint("chat", "a");
        (Pending::new(Some(limit)), metrics)
    }

    /// Whether `future` has to wait, now that it was asked.
    async fn is_waiting<F: Future>(mut future: Pin<&mut F>) -> bool {
        std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_have_a_place_and_the_next_wait_for_theirs() {
        let (pending, metrics) = pending(2, 5);
        assert_eq!(pending.enter(&metrics).await, Ok(()));
        assert_eq!(pending.enter(&metrics).await, Ok(()));
        let mut third = pin!(pending.enter(&metrics));
        assert!(is_waiting(third.as_mut()).await);
        pending.leave();
        assert_eq!(third.await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_they_may_or_in_a_full_queue() {
        let (pending, metrics) = pending(1, 1);
        assert_eq!(pending.enter(&metrics).await, Ok(()));
        assert!(!pending.is_overrun());
        let mut second = pin!(pending.enter(&metrics));
        assert!(is_waiting(second.as_mut()).await);
        assert!(pending.is_overrun());
        let third = pending.enter(&metrics).await;
        assert_eq!(third.err(), Some(Refusal::QueueFull));
        assert_eq!(second.await.err(), Some(Refusal::Waited(WAIT)));
        assert!(!pending.is_overrun());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_leaves_the_queue() {
        let (pending, metrics) = pending(1, 1);
        assert_eq!(pending.enter(&metrics).await, Ok(()));
        {
            let mut second = pin!(pending.enter(&metrics));
            assert!(is_waiting(second.as_mut()).await);
            assert!(pending.is_overrun());
        }
        assert!(!pending.is_overrun());
    }

    #[tokio::test]
    async fn without_a_limit_all_have_a_place() {
        let metrics = Rig::new().metrics.endpoint("chat", "a");
        let pending = Pending::new(None);
        for _ in 0..100 {
            assert_eq!(pending.enter(&metrics).await, Ok(()));
        }
        assert!(!pending.is_overrun());
    }
}
