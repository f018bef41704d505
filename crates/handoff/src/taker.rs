//! The process that takes another's sockets.

use std::os::fd::OwnedFd;

use crate::channel::{Channel, Received};
use crate::error::Error;
use crate::message::{Hello, Identity, Message};

/// One that has been introduced to its giver. Dropped before it is [`serving`](Self::serving), it gives
/// up, and says so.
#[derive(Debug)]
pub struct Taker {
    channel: Channel,
    is_serving: bool,
}

/// What a taker begins with.
#[derive(Debug)]
pub struct Inheritance {
    /// Listening sockets and their names; several may have the same.
    pub sockets: Vec<(String, OwnedFd)>,
    /// What its sessions go by.
    pub identity: Identity,
}

/// Records, each with its two connections.
pub type Batch = Vec<(Vec<u8>, [OwnedFd; 2])>;

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// To be parked, and [said which](Taker::parked).
    Park(Batch),
    /// A batch could not be taken in for want of descriptors, and the giver has been told.
    NoRoom,
    /// What is parked is the taker's.
    Go,
    /// It accepts from now on, and [says so](Taker::serving).
    Finish,
    /// Nothing more comes.
    Done,
}

impl Taker {
    /// Introduces itself.
    ///
    /// # Errors
    /// The giver is not there any more, or understands another version.
    pub async fn meet(channel: Channel, build: &str) -> Result<Self, Error> {
        let own = Hello::of(build);
        channel.send(&Message::Hello(own.clone()), &[]).await?;
        let Message::Hello(hello) = channel.receive().await?.message else {
            return Err(Error::Nonsense);
        };
        own.agree(&hello)?;
        Ok(Self {
            channel,
            is_serving: false,
        })
    }

    /// What there is to begin with.
    ///
    /// # Errors
    /// There is nothing; also where this process has no room for the descriptors.
    pub async fn inherit(&self) -> Result<Inheritance, Error> {
        let mut sockets = Vec::new();
        loop {
            let received = self.channel.receive().await?;
            let Message::Sockets {
                names,
                identity,
                more,
            } = received.message
            else {
                return Err(Error::Nonsense);
            };
            if received.descriptors.len() != names.len() {
                return Err(Error::NoRoom);
            }
            sockets.extend(names.into_iter().zip(received.descriptors));
            if !more {
                return Ok(Inheritance { sockets, identity });
            }
        }
    }

    /// Everything is there to go on with what comes.
    ///
    /// # Errors
    /// As [`parked`](Self::parked).
    pub async fn ready(&self) -> Result<(), Error> {
        self.say(&Message::Ready).await
    }

    /// What comes next.
    ///
    /// # Errors
    /// Nothing: the giver has ended, or given up.
    pub async fn next(&self) -> Result<Step, Error> {
        let Received {
            message,
            descriptors,
            count,
        } = self.channel.receive().await?;
        match message {
            Message::Batch(_) if descriptors.len() < count => {
                drop(descriptors);
                self.say(&Message::NoRoom).await?;
                Ok(Step::NoRoom)
            }
            Message::Batch(records) => Ok(Step::Park(paired(records, descriptors)?)),
            Message::Go => Ok(Step::Go),
            Message::Finish => Ok(Step::Finish),
            Message::Done => Ok(Step::Done),
            Message::Hello(_)
            | Message::Sockets { .. }
            | Message::Ready
            | Message::Parked(_)
            | Message::NoRoom
            | Message::Serving => Err(Error::Nonsense),
        }
    }

    /// Says which of a batch are parked.
    ///
    /// # Errors
    /// The giver cannot be spoken to; that it is gone is said by [`next`](Self::next).
    pub async fn parked(&self, taken: Vec<bool>) -> Result<(), Error> {
        self.say(&Message::Parked(taken)).await
    }

    /// It accepts.
    ///
    /// # Errors
    /// As [`parked`](Self::parked).
    pub async fn serving(&mut self) -> Result<(), Error> {
        self.is_serving = true;
        self.say(&Message::Serving).await
    }

    /// A giver that is gone may have said before that it gives up: only [`next`](Self::next) can tell.
    async fn say(&self, message: &Message) -> Result<(), Error> {
        match self.channel.send(message, &[]).await {
            Err(Error::Ended) => Ok(()),
            said => said,
        }
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        if !self.is_serving {
            self.channel.give_up("the new process gave up");
        }
    }
}

fn paired(records: Vec<Vec<u8>>, descriptors: Vec<OwnedFd>) -> Result<Batch, Error> {
    if descriptors.len() != 2 * records.len() {
        return Err(Error::Nonsense);
    }
    let mut descriptors = descriptors.into_iter();
    let pairs = std::iter::from_fn(|| Some([descriptors.next()?, descriptors.next()?]));
    Ok(records.into_iter().zip(pairs).collect())
}
