//! The process that gives its sockets away.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use tokio::time::timeout;

use crate::channel::{Channel, MOST_DESCRIPTORS};
use crate::error::Error;
use crate::message::{Hello, Identity, Message};

/// Why there will be nothing more.
const OFF: &str = "the upgrade is off";

/// One that has been introduced to its taker. Dropped before it is [`done`](Self::done), it gives up, and
/// says so.
#[derive(Debug)]
pub struct Giver {
    channel: Channel,
    patience: Duration,
    version: u16,
    is_done: bool,
}

impl Giver {
    /// Waits for a taker that gets ready within `starting`, and answers each thing within `patience`.
    ///
    /// # Errors
    /// It does not come, or understands another version.
    pub async fn meet(
        channel: Channel,
        build: &str,
        starting: Duration,
        patience: Duration,
    ) -> Result<Self, Error> {
        let mut giver = Self {
            channel,
            patience,
            version: 0,
            is_done: false,
        };
        let own = Hello::of(build);
        let Message::Hello(hello) = giver.hear(starting).await? else {
            return Err(Error::Nonsense);
        };
        // Said in any case: the taker too is to know what does not fit.
        giver.say(&Message::Hello(own.clone()), &[]).await?;
        giver.version = own.agree(&hello)?;
        Ok(giver)
    }

    /// The version that both understand.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Gives the listening sockets, each with its name, and what sessions go by; returns
    /// when the taker is ready to take more within `starting`.
    ///
    /// # Errors
    /// It will not be.
    pub async fn sockets(
        &self,
        names: Vec<String>,
        sockets: &[BorrowedFd<'_>],
        identity: Identity,
        starting: Duration,
    ) -> Result<(), Error> {
        let mut names = names;
        let mut parts = sockets.chunks(MOST_DESCRIPTORS).peekable();
        loop {
            let part = parts.next().unwrap_or_default();
            let rest = names.split_off(part.len().min(names.len()));
            let message = Message::Sockets {
                names,
                identity,
                more: parts.peek().is_some(),
            };
            self.say(&message, part).await?;
            if rest.is_empty() {
                break;
            }
            names = rest;
        }
        self.expect(&Message::Ready, starting).await
    }

    /// Gives records with two connections each, and says of each whether the taker has parked it. They are
    /// still the giver's until it says [`go`](Self::go).
    ///
    /// # Errors
    /// None of them is; after [`Error::InFlight`] and [`Error::NoRoom`] a smaller batch may be.
    pub async fn batch(
        &self,
        records: Vec<Vec<u8>>,
        connections: &[BorrowedFd<'_>],
    ) -> Result<Vec<bool>, Error> {
        let count = records.len();
        self.say(&Message::Batch(records), connections).await?;
        let heard = self.hear(self.patience).await?;
        if heard == Message::NoRoom {
            return Err(Error::NoRoom);
        }
        let Message::Parked(taken) = heard else {
            return Err(Error::Nonsense);
        };
        if taken.len() == count {
            Ok(taken)
        } else {
            Err(Error::Nonsense)
        }
    }

    /// What is parked is the taker's from now on.
    ///
    /// # Errors
    /// It is not: there is no taker any more.
    pub async fn go(&self) -> Result<(), Error> {
        self.say(&Message::Go, &[]).await
    }

    /// The taker accepts from now on.
    ///
    /// # Errors
    /// It does not.
    pub async fn finish(&self) -> Result<(), Error> {
        self.say(&Message::Finish, &[]).await?;
        self.expect(&Message::Serving, self.patience).await
    }

    /// Nothing more will come.
    pub async fn done(mut self) {
        self.is_done = true;
        // A taker that has gone meanwhile need not hear it.
        self.say(&Message::Done, &[]).await.ok();
    }

    /// Gives up, however long it takes to say so: a taker that hears nothing of it would think that the giver
    /// has died.
    pub async fn give_up(mut self) {
        // One that has gone need not hear it.
        self.channel.part(OFF).await.ok();
        self.is_done = true;
    }

    async fn say(&self, message: &Message, sockets: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let sending = self.channel.send(message, sockets);
        timeout(self.patience, sending)
            .await
            .unwrap_or(Err(Error::Late))
    }

    async fn hear(&self, patience: Duration) -> Result<Message, Error> {
        let hearing = timeout(patience, self.channel.receive()).await;
        hearing
            .unwrap_or(Err(Error::Late))
            .map(|received| received.message)
    }

    async fn expect(&self, expected: &Message, patience: Duration) -> Result<(), Error> {
        if self.hear(patience).await? == *expected {
            return Ok(());
        }
        Err(Error::Nonsense)
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        if !self.is_done {
            self.channel.give_up(OFF);
        }
    }
}
