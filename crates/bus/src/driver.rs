//! What each kind of bus does in its own way, and what all that are a network away do in the same.
//!
//! A driver is two halves. Its [`Carrier`] sends: it is asked by whoever publishes, from any thread. Its follower is
//! one task that has a [`Duty`](crate::duty::Duty): it keeps a connection, tells the server of every change of interest
//! and reports what comes:
//!
//! ```text
//! loop {
//!     connect, each attempt in time          duty.gone(&fault) when it fails, then wait with backoff
//!     everything = duty.interest().everything()
//!     follow everything.follow, wait for the server's word
//!     duty.interest().confirm(everything.round); duty.connected()
//!     loop select {
//!         changes = duty.interest().changes()    tell the server; confirm(changes.round) when it has answered
//!         message                                duty.receive(..)
//!         the connection is lost                 duty.gone(&fault), and begin anew
//!     }
//! }
//! ```

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bus::{Kind, Reached};
use crate::duty::{Duty, Standing};
use crate::error::PublishError;
use crate::history::{Keep, MessageId, Missed};
use crate::interest::Interest;
use crate::memory::Memory;
use crate::nats;
use crate::redis::Redis;
use crate::sink::Sink;
use crate::status::Status;
use crate::subject::Subject;

/// The half of a driver that sends. It is asked only while the bus is there, and has a deadline around it.
pub(crate) trait Carrier: Send + Sync {
    /// See [`Bus::publish`](crate::Bus::publish).
    fn publish(
        &self,
        subject: &Subject,
        payload: Bytes,
    ) -> impl Future<Output = Result<Reached, PublishError>> + Send;

    /// See [`Bus::append`](crate::Bus::append).
    fn append(
        &self,
        channel: &str,
        payload: Bytes,
        keep: Keep,
    ) -> impl Future<Output = Result<MessageId, PublishError>> + Send;

    /// See [`Bus::since`](crate::Bus::since); the channel's following is in effect.
    fn since(
        &self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> impl Future<Output = Result<Missed, PublishError>> + Send;
}

/// A driver of a bus that is a network away, with what they all have.
pub(crate) struct Remote<C> {
    carrier: C,
    interest: Arc<Interest>,
    standing: Standing,
    timeout: Duration,
    /// Ends with it.
    _follower: JoinSet<()>,
}

impl<C: Carrier> Remote<C> {
    /// Starts the task that `follower` makes of its duty. `timeout` is for each operation.
    pub(crate) fn start<F>(
        carrier: C,
        replica: &str,
        sink: Arc<dyn Sink>,
        timeout: Duration,
        follower: impl FnOnce(Duty) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let interest = Arc::new(Interest::new(replica));
        let (duty, standing) = Duty::new(Arc::clone(&interest), sink);
        let mut task = JoinSet::new();
        task.spawn(follower(duty));
        Self {
            carrier,
            interest,
            standing,
            timeout,
            _follower: task,
        }
    }

    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<Reached, PublishError> {
        self.in_time(self.carrier.publish(subject, payload)).await
    }

    async fn append(
        &self,
        channel: &str,
        payload: Bytes,
        keep: Keep,
    ) -> Result<MessageId, PublishError> {
        self.in_time(self.carrier.append(channel, payload, keep))
            .await
    }

    async fn since(
        &self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Result<Missed, PublishError> {
        let read = async {
            self.interest.settled(channel).await;
            self.carrier.since(channel, after, most, keep).await
        };
        self.in_time(read).await
    }

    async fn in_time<T>(
        &self,
        operation: impl Future<Output = Result<T, PublishError>>,
    ) -> Result<T, PublishError> {
        if !self.standing.is_connected() {
            return Err(PublishError::Unreachable);
        }
        timeout(self.timeout, operation)
            .await
            .unwrap_or(Err(PublishError::TimedOut))
    }
}

/// What carries the messages.
pub(crate) enum Driver {
    /// Nothing.
    Memory(Memory),
    /// NATS.
    Nats(Remote<nats::Carrier>),
    /// Redis.
    Redis(Remote<Redis>),
}

impl Driver {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Memory(_) => Kind::Memory,
            Self::Nats(_) => Kind::Nats,
            Self::Redis(_) => Kind::Redis,
        }
    }

    pub(crate) async fn publish(
        &self,
        subject: &Subject,
        payload: Bytes,
    ) -> Result<Reached, PublishError> {
        match self {
            Self::Memory(memory) => Ok(memory.publish(subject, payload)),
            Self::Nats(nats) => nats.publish(subject, payload).await,
            Self::Redis(redis) => redis.publish(subject, payload).await,
        }
    }

    pub(crate) fn follow(&self, channel: &ArcStr) {
        match self {
            Self::Memory(memory) => memory.follow(channel),
            Self::Nats(nats) => nats.interest.follow(channel),
            Self::Redis(redis) => redis.interest.follow(channel),
        }
    }

    pub(crate) fn unfollow(&self, channel: &str) {
        match self {
            Self::Memory(memory) => memory.unfollow(channel),
            Self::Nats(nats) => nats.interest.unfollow(channel),
            Self::Redis(redis) => redis.interest.unfollow(channel),
        }
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        match self {
            Self::Memory(memory) => memory.status(),
            Self::Nats(nats) => nats.standing.status(),
            Self::Redis(redis) => redis.standing.status(),
        }
    }

    pub(crate) fn fault(&self) -> Option<ArcStr> {
        match self {
            Self::Memory(_) => None,
            Self::Nats(nats) => nats.standing.fault(),
            Self::Redis(redis) => redis.standing.fault(),
        }
    }

    pub(crate) async fn append(
        &self,
        channel: &str,
        payload: Bytes,
        keep: Keep,
    ) -> Result<MessageId, PublishError> {
        match self {
            Self::Memory(memory) => Ok(memory.append(channel, payload, keep)),
            Self::Nats(nats) => nats.append(channel, payload, keep).await,
            Self::Redis(redis) => redis.append(channel, payload, keep).await,
        }
    }

    pub(crate) async fn since(
        &self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Result<Missed, PublishError> {
        match self {
            Self::Memory(memory) => Ok(memory.since(channel, after, most, keep)),
            Self::Nats(nats) => nats.since(channel, after, most, keep).await,
            Self::Redis(redis) => redis.since(channel, after, most, keep).await,
        }
    }
}
