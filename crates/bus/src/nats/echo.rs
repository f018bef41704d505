//! What a connection publishes to itself: when it comes back, the server has seen to all that was sent before it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_nats::Client;
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::error::PublishError;

/// What is told apart by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A round of following.
    Round(u64),
    /// Something that was published.
    Publication(u64),
}

/// The echoes of one connection.
pub(super) struct Echo {
    subject: async_nats::Subject,
    next: AtomicU64,
    /// `None` when the connection has ended.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<()>>>>,
}

/// Nobody waits for it any more.
struct Given<'a> {
    echo: &'a Echo,
    number: u64,
}

impl Mark {
    pub(super) fn written(self) -> Bytes {
        let text = match self {
            Self::Round(number) => format!("round {number}"),
            Self::Publication(number) => format!("publication {number}"),
        };
        text.into()
    }

    /// `None`: it is no mark.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (kind, number) = str::from_utf8(payload).ok()?.split_once(' ')?;
        let number = number.parse().ok()?;
        match kind {
            "round" => Some(Self::Round(number)),
            "publication" => Some(Self::Publication(number)),
            _ => None,
        }
    }
}

impl Echo {
    /// On a subject that only this connection publishes to and follows: what another has sent says nothing of this one.
    pub(super) fn new(subject: String) -> Self {
        Self {
            subject: subject.into(),
            next: AtomicU64::new(0),
            waiting: Mutex::new(Some(HashMap::new())),
        }
    }

    /// Where it is heard.
    pub(super) fn subject(&self) -> async_nats::Subject {
        self.subject.clone()
    }

    /// Returns when the server has seen to all that `client` was given before.
    pub(super) async fn round_trip(&self, client: &Client) -> Result<(), PublishError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, heard) = oneshot::channel();
        match self.waiting().as_mut() {
            None => return Err(PublishError::Lost),
            Some(waiting) => _ = waiting.insert(number, sender),
        }
        let given = Given { echo: self, number };
        let payload = Mark::Publication(number).written();
        let sent = client.publish(self.subject(), payload).await;
        // What was given before may have been sent.
        sent.map_err(|_gone| PublishError::Lost)?;
        let heard = heard.await;
        drop(given);
        heard.map_err(|_ended| PublishError::Lost)
    }

    /// That of this publication came back.
    pub(super) fn heard(&self, number: u64) {
        if let Some(sender) = self.take(number) {
            // Nobody may be waiting any more.
            _ = sender.send(());
        }
    }

    /// None comes back any more: whoever waits is told.
    pub(super) fn end(&self) {
        *self.waiting() = None;
    }

    fn take(&self, number: u64) -> Option<oneshot::Sender<()>> {
        self.waiting().as_mut()?.remove(&number)
    }

    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        self.echo.take(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for mark in [Mark::Round(7), Mark::Publication(u64::MAX)] {
            assert_eq!(Mark::read(&mark.written()), Some(mark));
        }
        for other in ["", "round", "round x", "other 7"] {
            assert_eq!(Mark::read(other.as_bytes()), None);
        }
    }
}
