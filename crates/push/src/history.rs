//! Channels that keep what is published, and sessions that come back to them.
//!
//! A session is subscribed at once, and what comes live for it is held back (`gate`) until it was given what it missed
//! (`recovery`). When messages were missed by all, everyone is (`chronicle`, `catch_up`).
//!
//! Not here: who keeps the messages, which is the bus.

mod catch_up;
mod chronicle;
mod missed;
mod patience;
mod reading;
mod recovery;
mod resume;
#[cfg(test)]
mod tests;
mod wrap;

use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use switchyard_bus::{Bus, Keep, MessageId};
use switchyard_config as config;
use switchyard_drain::Tasks;
use switchyard_relay::Handle;
use tokio::runtime;
use tokio::sync::{Notify, Semaphore};

use crate::gate::Turn;
use crate::hub::Hub;
use crate::intake::Intake;
pub(crate) use chronicle::Chronicles;
use recovery::Recovery;
pub use resume::Resume;
pub(crate) use wrap::kept;

/// Recoveries that read at once; others wait for their turn. Each has a page of a channel in memory.
const AT_ONCE: usize = 8;

/// How often it is tried to read, and how long is waited in between.
const TRIES: u32 = 3;
const RETRY: Duration = Duration::from_secs(1);

/// What is needed to read what was missed, and to hand it on.
pub(crate) struct Means {
    pub(crate) bus: Bus,
    pub(crate) hub: Hub,
    pub(crate) chronicles: Arc<Chronicles>,
    pub(crate) intake: Arc<Intake>,
}

/// How much of a channel is kept, if anything is.
pub(crate) fn keep(settings: &config::Push, channel: &str) -> Option<Keep> {
    let mut rules = settings.history.iter();
    let rule = rules.find(|rule| channel.starts_with(&*rule.prefix))?;
    Some(Keep {
        messages: rule.messages,
        age: rule.age,
    })
}

/// Has sessions given what they missed.
pub(crate) struct History {
    means: Arc<Means>,
    turns: Arc<Semaphore>,
    /// Messages were missed by everyone.
    missed: Arc<Notify>,
    tasks: Tasks,
    /// Where this is done: sessions come from other threads.
    runtime: runtime::Handle,
}

impl History {
    /// Works on the current runtime.
    pub(crate) fn new(means: Means) -> Self {
        let (means, missed) = (Arc::new(means), Arc::<Notify>::default());
        let tasks = Tasks::new();
        tasks.spawn(catch_up::run(Arc::clone(&means), Arc::clone(&missed)));
        Self {
            means,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            missed,
            tasks,
            runtime: runtime::Handle::current(),
        }
    }

    /// Gives a session what it missed of a channel. This gate of it is shut.
    pub(crate) fn recover(
        &self,
        worker: usize,
        handle: &Handle,
        (channel, gate): (&ArcStr, Turn),
        after: Option<MessageId>,
        keep: Keep,
    ) {
        let recovery = Recovery {
            worker,
            handle: handle.clone(),
            channel: channel.clone(),
            gate,
            after,
            keep,
        };
        let (means, turns) = (Arc::clone(&self.means), Arc::clone(&self.turns));
        let _here = self.runtime.enter();
        self.tasks
            .spawn(async move { recovery.run(&means, &turns).await });
    }

    /// Messages were missed: everyone is given them, and until then what comes live is held back.
    pub(crate) fn catch_up(&self) {
        self.means.chronicles.hold(&self.means.hub);
        self.missed.notify_one();
    }
}
