//! What the old process does: it starts the new one, gives it the listening sockets and one batch of sessions
//! after the other, and is relieved.
//!
//! Whatever goes wrong before that, it goes on with all that it has not given away.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use switchyard_drain::Tasks;
use switchyard_handoff::{Channel, Error, Giver, Identity};
use switchyard_relay::SessionId;
use tokio::time::sleep;

use super::BUILD;
use super::failure::Failure;
use super::sessions::Removal;
use super::successor::{Command, Successor};
use crate::bind::ADMIN;
use crate::compose::Gateway;

/// How long the new process may take to read its configuration and what that names.
const STARTING: Duration = Duration::from_mins(1);

/// How long it may take to answer anything else: so long do the sessions of a batch hold still at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often sessions are looked for, after the new process accepts, that opened in the old one meanwhile: their
/// connections were accepted before.
const LOOKS: u32 = 10;

/// The time between two of these looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A new process that accepts in place of this one.
pub(super) struct Given {
    giver: Giver,
    successor: Successor,
    removal: Removal,
}

/// Gives everything to the process that `command` starts. Dropped before it is over, it has not happened, but
/// for the sessions that have gone.
pub(super) async fn give(gateway: &Gateway, command: &Command) -> Result<Given, Failure> {
    if std::process::id() == 1 {
        return Err(Failure::FirstProcess);
    }
    let (channel, end) = Channel::pair()?;
    let mut successor = command.start(end).map_err(|source| Failure::Start {
        program: command.program().to_owned(),
        source,
    })?;
    tracing::info!(pid = successor.id(), program = %command.program().display(), "upgrading");
    let meeting = Giver::meet(channel, BUILD, STARTING, PATIENCE).await;
    let giver = meeting.map_err(Failure::NotReady)?;
    tracing::debug!(version = giver.version(), "the new process is there");
    match give_all(gateway, &giver, &mut successor).await {
        Ok(removal) => Ok(Given {
            giver,
            successor,
            removal,
        }),
        Err(failure) => {
            Tasks::new().spawn(giver.give_up());
            Err(failure)
        }
    }
}

async fn give_all(
    gateway: &Gateway,
    giver: &Giver,
    successor: &mut Successor,
) -> Result<Removal, Failure> {
    give_sockets(gateway, giver).await?;
    let mut removal = Removal::default();
    let registries = gateway.workers.registries();
    removal.run(registries, giver, successor).await?;
    giver.finish().await?;
    successor.let_be();
    gateway.control.relieve();
    Ok(removal)
}

async fn give_sockets(gateway: &Gateway, giver: &Giver) -> Result<(), Failure> {
    let sockets = listening(gateway).await.map_err(Failure::Descriptors)?;
    let (names, sockets): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
    let borrowed: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
    let identity = Identity {
        replica: gateway.push.replica().get(),
        beyond: SessionId::beyond(),
    };
    let giving = giver.sockets(names, &borrowed, identity, STARTING);
    giving.await.map_err(Failure::NotReady)
}

/// Duplicates of every listening socket, and the admin listener's.
async fn listening(gateway: &Gateway) -> std::io::Result<Vec<(String, OwnedFd)>> {
    let open = gateway.reloader.sockets.lock().await;
    let listeners = open.listeners.duplicates()?.into_iter();
    let mut sockets: Vec<_> = listeners
        .map(|(name, socket)| (name.to_string(), socket))
        .collect();
    let admin = open.admin.duplicate()?;
    sockets.extend(admin.map(|socket| (ADMIN.to_owned(), socket)));
    Ok(sockets)
}

impl Given {
    /// Who has taken over.
    pub(super) fn process(&self) -> u32 {
        self.successor.id()
    }

    /// How many sessions have gone.
    pub(super) fn sessions(&self) -> usize {
        self.removal.gone()
    }

    /// Sends after it the sessions that still open here, for a little while, and lets it be.
    pub(super) async fn settle(mut self, gateway: &Gateway) -> usize {
        for _ in 0..LOOKS {
            sleep(LOOK_EVERY).await;
            let registries = gateway.workers.registries();
            let moving = self
                .removal
                .run(registries, &self.giver, &mut self.successor);
            if let Err(error) = moving.await {
                say_of(&error);
                break;
            }
        }
        self.giver.done().await;
        self.removal.gone()
    }
}

/// The new process serves already: who did not get there is drained here.
fn say_of(error: &Error) {
    tracing::warn!(%error, "the last sessions could not be handed over");
}
