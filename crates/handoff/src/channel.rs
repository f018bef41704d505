//! One end of the socket pair, and whole messages over it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram as StdDatagram;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use crate::error::Error;
use crate::message::{LONGEST, Message};
use crate::packet::{self, CHUNK, Packet};

/// Descriptors that one message can have (`SCM_MAX_FD` of Linux).
pub const MOST_DESCRIPTORS: usize = 253;

/// One process' end. Reading and writing it is for one at a time.
#[derive(Debug)]
pub struct Channel {
    socket: UnixDatagram,
}

/// A message, and the descriptors that came with it.
pub(crate) struct Received {
    pub(crate) message: Message,
    pub(crate) descriptors: Vec<OwnedFd>,
    /// How many there were when it was sent.
    pub(crate) count: usize,
}

impl Channel {
    /// Both ends: one for this process, and one for another.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn pair() -> Result<(Self, OwnedFd), Error> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (own, other) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self::new(own)?, other))
    }

    /// The end that another process has made, within a runtime.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn new(socket: OwnedFd) -> Result<Self, Error> {
        // Packets are datagrams as far as the runtime is concerned: something to be waited for.
        let socket = StdDatagram::from(socket);
        socket.set_nonblocking(true)?;
        let socket = UnixDatagram::from_std(socket)?;
        Ok(Self { socket })
    }

    pub(crate) async fn send(
        &self,
        message: &Message,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Error> {
        let bytes = message.encode();
        if bytes.len() > LONGEST {
            return Err(Error::TooLong);
        }
        let (first, rest) = bytes
            .split_at_checked(CHUNK)
            .unwrap_or((bytes.as_slice(), &[]));
        self.write(|socket| packet::send_first(socket, bytes.len(), first, descriptors))
            .await?;
        for chunk in rest.chunks(CHUNK) {
            self.write(|socket| packet::send_next(socket, chunk))
                .await?;
        }
        Ok(())
    }

    pub(crate) async fn receive(&self) -> Result<Received, Error> {
        let Packet::First {
            len,
            count,
            descriptors,
            chunk: mut bytes,
        } = self.read().await?
        else {
            return Err(Error::Nonsense);
        };
        if len > LONGEST {
            return Err(Error::TooLong);
        }
        while bytes.len() < len {
            let Packet::Next(chunk) = self.read().await? else {
                return Err(Error::Nonsense);
            };
            bytes.extend(chunk);
        }
        Ok(Received {
            message: Message::decode(&bytes)?,
            descriptors,
            count,
        })
    }

    /// Says that there will be nothing more, as soon as the other listens.
    pub(crate) async fn part(&self, why: &str) -> Result<(), Error> {
        self.write(|socket| packet::send_giving_up(socket, why))
            .await
    }

    /// The same, if that can be said at once.
    pub(crate) fn give_up(&self, why: &str) {
        // A process that is gone need not hear it.
        packet::send_giving_up(&self.socket, why).ok();
    }

    async fn write(&self, send: impl Fn(BorrowedFd<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let send = || unless_it_waits(send(self.socket.as_fd()));
        self.socket.async_io(Interest::WRITABLE, send).await?
    }

    async fn read(&self) -> Result<Packet, Error> {
        let receive = || unless_it_waits(packet::receive(&self.socket));
        match self.socket.async_io(Interest::READABLE, receive).await? {
            Ok(Packet::GivingUp(why)) => Err(Error::GaveUp(why)),
            received => received,
        }
    }
}

/// The runtime is told where it has to wait, and is not to see anything else.
fn unless_it_waits<R>(done: Result<R, Error>) -> io::Result<Result<R, Error>> {
    match done {
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
        done => Ok(done),
    }
}
