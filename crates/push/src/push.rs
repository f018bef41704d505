//! What edge, the admin API and the gateway ask of all this.

mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arcstr::ArcStr;
use bytes::Bytes;
use futures_util::future::join_all;
use switchyard_bus::{Bus, BusError, Kind, MessageId, PublishError, Reached, Status, Subject};
use switchyard_config as config;
use switchyard_drain::{Budget, Tasks};
use switchyard_relay::{Handle, Registry, SessionId};
use switchyard_telemetry::{BusMetrics, PushMetrics};
use tokio::sync::watch;

use crate::census::{Census, census};
use crate::channel::ChannelName;
use crate::envelope::Envelope;
use crate::events::{self, Events};
use crate::exchange::{self, Exchange};
use crate::history::{self, Chronicles, History, Resume, keep};
use crate::hub::{Hub, TooMany};
use crate::intake::Intake;
use crate::local::{Describe, Local};
use crate::name::{ReplicaId, SessionName};
use crate::peers::{Ask, Member, To};
use crate::sink::{Link, Outage, Receiver};

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// All of it. Clones are the same.
#[derive(Clone)]
pub struct Push {
    shared: Arc<Shared>,
}

struct Shared {
    me: Member,
    bus: Bus,
    local: Arc<Local>,
    exchange: Arc<Exchange>,
    events: Events,
    has_events: AtomicBool,
    budget: Budget,
    metrics: PushMetrics,
}

/// What it is made of.
pub struct Parts<'a> {
    /// This replica's name.
    pub replica: ReplicaId,
    /// What carries messages.
    pub bus: &'a config::Bus,
    /// What holds for them.
    pub push: config::Push,
    /// How many workers there will be.
    pub workers: usize,
    /// What is counted.
    pub push_metrics: PushMetrics,
    /// What is counted of the bus.
    pub bus_metrics: BusMetrics,
}

/// What a message is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Its bytes.
    pub data: Bytes,
    /// Whether it is a binary message even if it could be text.
    pub is_binary: bool,
}

/// What became of a message in one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// How many replicas it reached, where the bus says it.
    pub replicas: Option<u64>,
    /// Where it is kept.
    pub id: Option<MessageId>,
}

impl Push {
    /// Starts it on the current runtime, which it stays on. The bus is connected to in the background.
    ///
    /// # Errors
    /// Settings of the bus that no server could make good, and a system without randomness.
    pub fn start(parts: Parts<'_>) -> Result<Self, StartError> {
        let (process, dice) = (getrandom::u32()?, getrandom::u64()?);
        let me = Member {
            replica: parts.replica,
            process,
        };
        let chronicles = Arc::<Chronicles>::default();
        let link = Arc::new(Link::new(Arc::clone(&chronicles)));
        let metrics = parts.push_metrics;
        let has_events = AtomicBool::new(parts.push.events);
        let hub = Hub::new(
            parts.workers,
            parts.push,
            metrics.clone(),
            Arc::clone(&link) as _,
        );
        let local = Arc::new(Local::new(hub.clone()));
        let (exchange, clerk) = exchange::exchange(me);
        let exchange = Arc::new(exchange);
        let outage = Arc::new(Outage::new(parts.bus_metrics.clone()));
        let intake = Arc::new(Intake::new(me.replica, metrics.clone()));
        let receiver = Receiver {
            local: Arc::clone(&local),
            exchange: Arc::clone(&exchange),
            chronicles: Arc::clone(&chronicles),
            intake: Arc::clone(&intake),
            metrics: metrics.clone(),
            outage: Arc::clone(&outage),
        };
        let bus = Bus::start(parts.bus, &me.replica.to_string(), Arc::new(receiver))?;
        link.connect(bus.clone());
        local.remember(History::new(history::Means {
            bus: bus.clone(),
            hub,
            chronicles,
            intake,
        }));
        let budget = Budget::default();
        let (events, queued) = events::events(me.replica, parts.bus_metrics.clone());
        let tasks = Tasks::new();
        let means = exchange::Means {
            bus: bus.clone(),
            local: Arc::clone(&local),
            budget: budget.clone(),
            metrics: metrics.clone(),
        };
        tasks.spawn(clerk.run(dice, means));
        tasks.spawn(outage.show(bus.status()));
        tasks.spawn(events::publish(queued, bus.clone(), parts.bus_metrics));
        let shared = Shared {
            me,
            bus,
            local,
            exchange,
            events,
            has_events,
            budget,
            metrics,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The workers are there: their sessions, in the order of the workers, and how one is shown.
    pub fn attach(&self, registries: Vec<Registry>, describe: Describe) {
        self.shared.local.attach(registries, describe);
    }

    /// Goes by other settings from now on.
    pub fn adopt(&self, settings: config::Push) {
        self.shared
            .has_events
            .store(settings.events, Ordering::Relaxed);
        self.shared.local.hub.adopt(settings);
    }

    /// Says farewell to the other replicas.
    pub async fn leave(&self) {
        // Those who do not hear it notice all the same.
        tokio::time::timeout(FAREWELL, self.shared.exchange.leave())
            .await
            .ok();
    }

    /// The subscriptions of this process.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.shared.local.hub
    }

    /// The pace that replicas share.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    /// This replica's name.
    #[must_use]
    pub fn replica(&self) -> ReplicaId {
        self.shared.me.replica
    }

    /// What a session of this process is called elsewhere.
    #[must_use]
    pub fn name(&self, id: SessionId) -> SessionName {
        SessionName {
            replica: self.replica(),
            id,
        }
    }

    /// What a session of this process is subscribed to.
    #[must_use]
    pub fn channels_of(&self, id: SessionId) -> Vec<ArcStr> {
        self.shared.local.channels_of(id)
    }

    /// What carries the messages.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.shared.bus.kind()
    }

    /// Whether the bus is there.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.bus.status()
    }

    /// Where the opening and the end of sessions is told, if it is.
    #[must_use]
    pub fn events(&self) -> Option<&Events> {
        let is_on = self.shared.has_events.load(Ordering::Relaxed);
        is_on.then_some(&self.shared.events)
    }

    /// Subscribes a session of a worker to channels. In those that keep what is published it gets what it missed first, and
    /// nobody waits for that here.
    ///
    /// # Errors
    /// It has as many channels as it may have; it is subscribed to those before.
    pub fn subscribe(
        &self,
        worker: usize,
        handle: &Handle,
        channels: &[ChannelName],
        resume: &Resume,
    ) -> Result<(), TooMany> {
        let local = &self.shared.local;
        let mut channels = channels.iter();
        channels.try_for_each(|channel| local.enter(worker, handle, channel, resume.after(channel)))
    }

    /// Publishes a message to channels, side by side: what became of it in each.
    ///
    /// # Errors
    /// The first that there was. It may have been published to others.
    pub async fn publish(
        &self,
        channels: &[ChannelName],
        envelope: &Envelope,
        payload: &[u8],
    ) -> Result<Vec<Published>, PublishError> {
        let sealed = envelope.seal(payload);
        let sealed = sealed.map_err(|error| PublishError::Refused(error.to_string()))?;
        let mut publishing = Vec::with_capacity(channels.len());
        for channel in channels {
            publishing.push(self.publish_one(channel, sealed.clone()));
        }
        join_all(publishing).await.into_iter().collect()
    }

    async fn publish_one(
        &self,
        channel: &ChannelName,
        sealed: Bytes,
    ) -> Result<Published, PublishError> {
        let bus = &self.shared.bus;
        let published = if let Some(keep) = keep(&self.hub().settings(), channel) {
            Published {
                replicas: None,
                id: Some(bus.append(channel, sealed, keep).await?),
            }
        } else {
            let subject = Subject::Channel(channel.shared().clone());
            let replicas = match bus.publish(&subject, sealed).await? {
                Reached::Replicas(count) => Some(count),
                Reached::Unknown => None,
            };
            Published { replicas, id: None }
        };
        self.shared.metrics.published();
        Ok(published)
    }

    /// How many sessions are subscribed to a channel, of all replicas that answer in time.
    pub async fn census(&self, channel: &ChannelName, within: Duration) -> Census {
        let (exchange, me) = (&self.shared.exchange, self.shared.me);
        let local = self.hub().subscribers(channel);
        let others = exchange.others();
        let ask = Ask::Count {
            channel: channel.to_string(),
        };
        let outcome = exchange.ask(To::All, ask, within).await;
        census(me, local, &others, outcome)
    }
}

/// Why it could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings of the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The system has no randomness to give.
    #[error("the system has no randomness to give: {0}")]
    Randomness(#[from] getrandom::Error),
}
