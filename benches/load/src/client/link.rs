//! A connection and the sessions that it carries: one over HTTP/1.1, many over HTTP/2. It does not block.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::PATIENCE;
use super::session::{Exchange, Session};
use crate::http2::Connection;
use crate::net;
use crate::poll::Interest;
use crate::wire::{Wire, unless_blocked};

pub(super) struct Link {
    carrier: Carrier,
    sessions: Vec<Session>,
    /// Those that have something to send.
    owing: Vec<usize>,
    /// What epoll was asked for.
    pub(super) interest: Interest,
}

enum Carrier {
    Alone(Wire),
    Shared(Box<Connection>),
}

impl Link {
    /// One session, which is open.
    pub(super) fn alone(wire: Wire) -> Result<Self> {
        wire.set_nonblocking()?;
        Ok(Self::new(Carrier::Alone(wire), vec![Session::default()]))
    }

    /// None yet, but a connection for many.
    pub(super) fn shared(wire: Wire) -> Result<Self> {
        wire.set_nonblocking()?;
        let connection = Box::new(Connection::new(wire));
        Ok(Self::new(Carrier::Shared(connection), Vec::new()))
    }

    fn new(carrier: Carrier, sessions: Vec<Session>) -> Self {
        Self {
            carrier,
            sessions,
            owing: Vec::new(),
            interest: Interest::Read,
        }
    }

    /// How many sessions there are.
    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether the peer may send something that has to be answered while nothing is under way.
    pub(super) fn wants_attention(&self) -> bool {
        matches!(self.carrier, Carrier::Shared(_))
    }

    /// Opens one more session and waits for it.
    pub(super) fn open(&mut self, path: &str, authority: &str, buffer: &mut [u8]) -> Result<()> {
        let Carrier::Shared(connection) = &mut self.carrier else {
            bail!("a connection of HTTP/1.1 carries one session");
        };
        let nothing = |_: usize, _: &mut [u8]| bail!("bytes before anything was sent");
        while !connection.is_ready()? {
            turn(connection, buffer, nothing)?;
        }
        let index = connection.ask(path, authority)?;
        while !connection.is_open(index) {
            turn(connection, buffer, nothing)?;
        }
        self.sessions.push(Session::default());
        Ok(())
    }

    /// Has one session send a request `count` times, when next is written; `at` is when that was due.
    pub(super) fn owe(&mut self, index: usize, count: usize, at: Instant) -> Result<()> {
        let session = self.sessions.get_mut(index).context("no such session")?;
        if !session.owes() {
            self.owing.push(index);
        }
        session.owe(count, at);
        Ok(())
    }

    /// Sends what there is room for.
    pub(super) fn write(&mut self, exchange: &Exchange) -> Result<()> {
        loop {
            let mut queued = 0;
            let mut still = 0;
            for at in 0..self.owing.len() {
                let index = self.owing.get(at).copied().unwrap_or_default();
                let Some(session) = self.sessions.get_mut(index) else {
                    continue;
                };
                queued += self.carrier.send(index, session, exchange)?;
                if session.owes() {
                    self.owing.swap(still, at);
                    still += 1;
                }
            }
            self.owing.truncate(still);
            self.carrier.flush()?;
            if still == 0 || queued == 0 || self.carrier.is_unflushed() {
                return Ok(());
            }
        }
    }

    /// Reads once, and tells of each reply that is now complete whose it is and when its request was sent.
    pub(super) fn read(
        &mut self,
        exchange: &Exchange,
        buffer: &mut [u8],
        mut complete: impl FnMut(usize, Instant),
    ) -> Result<()> {
        let sessions = &mut self.sessions;
        let mut take = |index: usize, bytes: &mut [u8]| {
            let session = sessions.get_mut(index).context("no such session")?;
            session.take(exchange, bytes, |sent| complete(index, sent))
        };
        match &mut self.carrier {
            Carrier::Shared(connection) => connection.read(buffer, take),
            Carrier::Alone(wire) => {
                let Some(len) = unless_blocked(wire.read(buffer))? else {
                    return Ok(());
                };
                ensure!(len > 0, "the connection ended without a Close");
                take(0, buffer.get_mut(..len).unwrap_or_default())
            }
        }
    }

    /// One request on one session, and waits for the reply.
    pub(super) fn exchange(
        &mut self,
        index: usize,
        exchange: &Exchange,
        buffer: &mut [u8],
    ) -> Result<()> {
        self.owe(index, 1, Instant::now())?;
        let mut is_answered = false;
        while !is_answered {
            self.write(exchange)?;
            net::wait(&*self, self.wanted(), PATIENCE)?;
            self.read(exchange, buffer, |of, _| is_answered |= of == index)?;
        }
        self.write(exchange)
    }

    /// What to wait for.
    pub(super) fn wanted(&self) -> Interest {
        let writes = match &self.carrier {
            // Where the windows are full there may be room in the socket, and that is of no use.
            Carrier::Shared(connection) => connection.is_unflushed(),
            Carrier::Alone(wire) => !self.owing.is_empty() || wire.is_unflushed(),
        };
        Interest::new(true, writes)
    }
}

impl Carrier {
    /// Sends what one session owes, as far as there is room, and says how many bytes that were.
    fn send(&mut self, index: usize, session: &mut Session, exchange: &Exchange) -> Result<usize> {
        let mut total = 0;
        session.send(exchange, |bytes| {
            let sent = match self {
                Self::Shared(connection) => Some(connection.send(index, bytes)?),
                Self::Alone(wire) => unless_blocked(wire.write(bytes))?,
            };
            let sent = sent.filter(|sent| *sent > 0);
            total += sent.unwrap_or(0);
            Ok(sent)
        })?;
        Ok(total)
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Alone(wire) => Ok(wire.flush()?),
            Self::Shared(connection) => connection.flush(),
        }
    }

    fn is_unflushed(&self) -> bool {
        match self {
            Self::Alone(wire) => wire.is_unflushed(),
            Self::Shared(connection) => connection.is_unflushed(),
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.carrier {
            Carrier::Alone(wire) => wire.as_fd(),
            Carrier::Shared(connection) => connection.as_fd(),
        }
    }
}

fn turn(
    connection: &mut Connection,
    buffer: &mut [u8],
    take: impl FnMut(usize, &mut [u8]) -> Result<()>,
) -> Result<()> {
    connection.flush()?;
    net::wait(
        &*connection,
        Interest::new(true, connection.is_unflushed()),
        PATIENCE,
    )?;
    connection.read(buffer, take)
}
