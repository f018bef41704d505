//! The set of application servers: start, kill, revive, list.
//!
//! All of them live in this process. A server is killed as a crash would: its listener goes and
//! every connection is cut without a Close. Its port stays reserved, so that it comes back where
//! the gateway looks for it.

mod slot;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde::Serialize;
use switchyard_drain::Tasks;
use tokio::sync::watch;

use crate::error::Error;
use crate::http::Server;
use crate::identity::{ALL, Identity};
use slot::Slot;
pub(crate) use slot::{ConnectionId, Lifeline, Mercy};

/// The application servers. Clones are handles to the same set.
#[derive(Clone, Debug)]
pub struct Servers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    slots: Vec<Slot>,
    tasks: Tasks,
    changes: watch::Sender<()>,
}

/// Where one server listens, dead or live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The server's name: `a`, `b`, ...
    pub name: &'static str,
    /// Its address; the port stays the same over a kill and a revival.
    pub address: SocketAddr,
}

/// Whether a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Listening.
    Live,
    /// Killed: connections to it are refused.
    Dead,
}

/// One server, as the page and the terminal show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The server's name.
    pub name: &'static str,
    /// Its colour on the page, in CSS.
    pub colour: &'static str,
    /// Where it listens when live.
    pub address: SocketAddr,
    /// Whether it answers.
    pub state: State,
    /// People in its rooms.
    pub people: usize,
}

impl Servers {
    /// Starts `count` servers (1 to 6) on free loopback ports. Their tasks run in `tasks`.
    pub async fn start(count: usize, tasks: &Tasks) -> Result<Self, Error> {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_at(&vec![anywhere; count], tasks).await
    }

    /// Starts one server on each address (1 to 6); port 0 takes a free one, and keeps it.
    pub async fn start_at(addresses: &[SocketAddr], tasks: &Tasks) -> Result<Self, Error> {
        if addresses.is_empty() || addresses.len() > ALL.len() {
            return Err(Error::Count {
                asked: addresses.len(),
                most: ALL.len(),
            });
        }
        let slots = ALL
            .into_iter()
            .zip(addresses)
            .map(|(identity, address)| Slot::reserve(identity, *address))
            .collect::<Result<Vec<_>, _>>()?;
        let (changes, _) = watch::channel(());
        let servers = Self(Arc::new(Inner {
            slots,
            tasks: tasks.clone(),
            changes,
        }));
        for identity in servers.identities() {
            servers.revive(identity.name).await?;
        }
        Ok(servers)
    }

    /// Where each server listens, in the order of their names.
    pub fn addresses(&self) -> Vec<Address> {
        self.0.slots.iter().map(Slot::address).collect()
    }

    /// Each server as it is now, in the order of their names.
    pub fn list(&self) -> Vec<Status> {
        self.0.slots.iter().map(Slot::status).collect()
    }

    /// Kills a server as a crash would and returns when its listener and every connection are
    /// gone.
    pub async fn kill(&self, name: &str) -> Result<(), Error> {
        self.kill_with(name, Mercy::None).await
    }

    /// As [`Self::kill`], but the connection that asked for it gets its answer first; then this
    /// returns at once.
    pub(crate) async fn kill_with(&self, name: &str, mercy: Mercy) -> Result<(), Error> {
        self.slot(name)?.kill(mercy).await?;
        self.0.changes.send_replace(());
        Ok(())
    }

    /// Brings a dead server back on its port, with empty rooms.
    pub async fn revive(&self, name: &str) -> Result<(), Error> {
        let slot = self.slot(name)?;
        let server = Server::new(slot.identity(), self.clone());
        slot.revive(server, &self.0.tasks).await?;
        self.0.changes.send_replace(());
        Ok(())
    }

    /// Kills whatever is live, so that the tasks handed to [`Self::start`] can finish.
    pub async fn stop(&self) {
        for slot in &self.0.slots {
            // Dead already is what is wanted here.
            slot.kill(Mercy::None).await.ok();
        }
    }

    /// Told whenever [`Self::list`] would say something new.
    pub(crate) fn changes(&self) -> &watch::Sender<()> {
        &self.0.changes
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    fn identities(&self) -> Vec<Identity> {
        self.0.slots.iter().map(Slot::identity).collect()
    }

    fn slot(&self, name: &str) -> Result<&Slot, Error> {
        let named = |slot: &&Slot| slot.identity().name == name;
        self.0
            .slots
            .iter()
            .find(named)
            .ok_or_else(|| Error::Unknown(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
