//! The sessions of this process: what others, and the admin API, have done to them.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use arcstr::ArcStr;
use serde_json::Value;
use switchyard_bus::MessageId;
use switchyard_proto::session::Cause;
use switchyard_proto::{Close, CloseCode};
use switchyard_relay::{Delivery, Handle, Message, Registry, SessionId};

use crate::channel::ChannelName;
use crate::fault::Fault;
use crate::history::{History, keep};
use crate::hub::{Hub, TooMany};
use crate::peers::{Answer, Ask};

/// Says how a session stands, as the admin API shows it.
pub type Describe = Box<dyn Fn(Handle) -> Describing + Send + Sync>;

/// A session that is being described.
pub type Describing = Pin<Box<dyn Future<Output = Value> + Send>>;

/// See the module.
pub(crate) struct Local {
    pub(crate) hub: Hub,
    house: OnceLock<House>,
    history: OnceLock<History>,
}

/// What there is only when the workers are.
struct House {
    /// In the order of the workers.
    registries: Vec<Registry>,
    describe: Describe,
}

impl Local {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            house: OnceLock::new(),
            history: OnceLock::new(),
        }
    }

    /// The workers are there.
    pub(crate) fn attach(&self, registries: Vec<Registry>, describe: Describe) {
        let house = House {
            registries,
            describe,
        };
        // Those that were there first stay.
        self.house.set(house).ok();
    }

    /// The bus is there.
    pub(crate) fn remember(&self, history: History) {
        self.history.set(history).ok();
    }

    pub(crate) fn registries(&self) -> &[Registry] {
        self.house.get().map_or(&[], |house| &house.registries)
    }

    /// How many sessions are open.
    pub(crate) fn sessions(&self) -> u64 {
        let open = self.registries().iter().map(Registry::len).sum::<usize>();
        u64::try_from(open).unwrap_or(u64::MAX)
    }

    /// An open session, and whose it is.
    pub(crate) fn find(&self, id: SessionId) -> Result<(usize, Handle), Fault> {
        let mut registries = self.registries().iter().enumerate();
        let found = registries.find_map(|(worker, registry)| Some((worker, registry.get(id)?)));
        found.ok_or(Fault::Gone)
    }

    pub(crate) fn channels_of(&self, id: SessionId) -> Vec<ArcStr> {
        let found = self.find(id);
        found.map_or_else(
            |_gone| Vec::new(),
            |(worker, _)| self.hub.channels_of(worker, id),
        )
    }

    pub(crate) fn send(&self, id: SessionId, message: Message) -> Result<(), Fault> {
        let (_, handle) = self.find(id)?;
        match handle.deliver(&Arc::new(message), self.hub.queue()) {
            Delivery::Queued => Ok(()),
            Delivery::Dropped => Err(Fault::Full),
            Delivery::Closing => Err(Fault::Gone),
        }
    }

    pub(crate) fn close(&self, id: SessionId, close: Close) -> Result<(), Fault> {
        let (_, handle) = self.find(id)?;
        tracing::info!(session = %id, "closing by order");
        handle.close(Cause::Admin, close);
        Ok(())
    }

    /// Subscribes a session of a worker. Where the channel keeps what is published, the session gets what it missed after that
    /// id first, and a marker; it does not wait for that here.
    pub(crate) fn enter(
        &self,
        worker: usize,
        handle: &Handle,
        channel: &ChannelName,
        after: Option<MessageId>,
    ) -> Result<(), TooMany> {
        let keep = keep(&self.hub.settings(), channel);
        let (Some(keep), Some(history)) = (keep, self.history.get()) else {
            return self.hub.subscribe(worker, handle, channel);
        };
        if let Some((name, gate)) = self.hub.subscribe_held(worker, handle, channel)? {
            history.recover(worker, handle, (&name, gate), after, keep);
        }
        Ok(())
    }

    /// Messages were missed.
    pub(crate) fn catch_up(&self) {
        if let Some(history) = self.history.get() {
            history.catch_up();
        }
    }

    pub(crate) fn subscribe(&self, id: SessionId, channel: &ChannelName) -> Result<(), Fault> {
        let (worker, handle) = self.find(id)?;
        let subscribed = self.enter(worker, &handle, channel, None);
        subscribed.map_err(|too_many| Fault::Refused(too_many.to_string()))
    }

    pub(crate) fn unsubscribe(&self, id: SessionId, channel: &str) -> Result<(), Fault> {
        let (worker, _) = self.find(id)?;
        self.hub.desk(worker).unsubscribe(id, channel);
        Ok(())
    }

    pub(crate) async fn show(&self, id: SessionId) -> Result<Value, Fault> {
        let (_, handle) = self.find(id)?;
        match self.house.get() {
            Some(house) => Ok((house.describe)(handle).await),
            None => Err(Fault::Gone),
        }
    }

    /// Does what another replica asks.
    pub(crate) async fn carry_out(&self, ask: &Ask) -> Answer {
        match ask {
            Ask::Send {
                session,
                binary,
                data,
            } => {
                let now = switchyard_relay::now();
                let message = if *binary {
                    Message::binary(data, now)
                } else {
                    Message::of(data, now)
                };
                answer(self.send(SessionId::of(*session), message))
            }
            Ask::Close {
                session,
                code,
                reason,
            } => match Close::new(CloseCode::new(*code), reason) {
                Ok(close) => answer(self.close(SessionId::of(*session), close)),
                Err(error) => refused(&error),
            },
            Ask::Subscribe { session, channel } => match ChannelName::new(channel) {
                Ok(channel) => answer(self.subscribe(SessionId::of(*session), &channel)),
                Err(error) => refused(&error),
            },
            Ask::Unsubscribe { session, channel } => {
                answer(self.unsubscribe(SessionId::of(*session), channel))
            }
            Ask::Count { channel } => Answer::Count {
                sessions: u64::try_from(self.hub.subscribers(channel)).unwrap_or(u64::MAX),
            },
            Ask::Show { session } => match self.show(SessionId::of(*session)).await {
                Ok(session) => Answer::Shown { session },
                Err(fault) => answer(Err(fault)),
            },
        }
    }
}

fn answer(done: Result<(), Fault>) -> Answer {
    match done {
        Ok(()) => Answer::Done,
        Err(Fault::Gone) => Answer::Gone,
        Err(Fault::Full) => Answer::Full,
        Err(other) => refused(&other),
    }
}

fn refused(why: &impl ToString) -> Answer {
    Answer::Refused {
        why: why.to_string(),
    }
}
