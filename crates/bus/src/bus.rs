//! The bus itself: what its users see, whatever carries it.

use std::fmt;
use std::sync::Arc;

use arcstr::ArcStr;
use bytes::Bytes;
use switchyard_config as config;
use tokio::sync::watch;

use crate::driver::Driver;
use crate::error::{BusError, PublishError};
use crate::history::{Keep, MessageId, Missed};
use crate::memory::Memory;
use crate::nats;
use crate::redis;
use crate::sink::Sink;
use crate::status::Status;
use crate::subject::Subject;

/// Carries published messages between replicas. Clones are the same; it ends with the last of them.
#[derive(Clone)]
pub struct Bus {
    driver: Arc<Driver>,
}

/// What carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing: there is one process.
    Memory,
    /// Redis.
    Redis,
    /// NATS.
    Nats,
}

/// Whom a message reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// So many replicas.
    Replicas(u64),
    /// This bus does not say.
    Unknown,
}

impl Kind {
    /// How it is written in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Nats => "nats",
        }
    }
}

impl Bus {
    /// Connects in the background, on the runtime that it is called on, and never gives up. What is published to
    /// every replica and to this one (`replica`, its name) is followed from the beginning.
    ///
    /// # Errors
    /// Settings that no server could make good.
    pub fn start(
        config: &config::Bus,
        replica: &str,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, BusError> {
        let driver = match config {
            config::Bus::Memory => Driver::Memory(Memory::new(replica, sink)),
            config::Bus::Redis(config) => Driver::Redis(redis::start(config, replica, sink)?),
            config::Bus::Nats(config) => Driver::Nats(nats::start(config, replica, sink)?),
        };
        Ok(Self {
            driver: Arc::new(driver),
        })
    }

    /// What carries the messages.
    pub fn kind(&self) -> Kind {
        self.driver.kind()
    }

    /// Publishes to whoever follows the subject. Fails at once while the bus is not there.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(
        &self,
        subject: &Subject,
        payload: Bytes,
    ) -> Result<Reached, PublishError> {
        self.driver.publish(subject, payload).await
    }

    /// What is published to the channel is to be received from now on: told to the servers a few milliseconds later, with
    /// what else came by then. Never waits.
    pub fn follow(&self, channel: &ArcStr) {
        self.driver.follow(channel);
    }

    /// What is published to the channel is of no interest any more. It may be received for about a second still, so that
    /// those who come and go do not trouble the servers. Never waits.
    pub fn unfollow(&self, channel: &str) {
        self.driver.unfollow(channel);
    }

    /// Whether the bus is there.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.driver.status()
    }

    /// Why the bus is not there, as far as that is known.
    pub fn fault(&self) -> Option<ArcStr> {
        self.driver.fault()
    }

    /// Publishes to the channel and keeps what was published, in one order. Followers get it with its id.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn append(
        &self,
        channel: &str,
        payload: Bytes,
        keep: Keep,
    ) -> Result<MessageId, PublishError> {
        self.driver.append(channel, payload, keep).await
    }

    /// What the channel kept after an id: the oldest of it, at most so many. Of a channel that is followed it is read when
    /// following is in effect, so that nothing lies between this and what is received. Without an id nothing was missed,
    /// and there is only the last.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn since(
        &self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Result<Missed, PublishError> {
        self.driver.since(channel, after, most, keep).await
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bus").field(&self.kind()).finish()
    }
}
