//! A connection, plain or TLS, blocking or not.
//!
//! Not here: certificates and what they are checked against (`tls`).

mod lean;
mod secure;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use rustls::ClientConnection;
use rustls::server::UnbufferedServerConnection;

use lean::Lean;
use secure::Secure;

/// One end of a connection.
pub(crate) enum Wire {
    Plain(TcpStream),
    /// TLS, as a client.
    Client(Box<Secure>),
    /// TLS, as a server.
    Server(Box<Lean>),
}

impl Wire {
    pub(crate) fn client(tcp: TcpStream, session: ClientConnection) -> Self {
        Self::Client(Box::new(Secure::new(tcp, session)))
    }

    pub(crate) fn server(tcp: TcpStream, session: UnbufferedServerConnection) -> Self {
        Self::Server(Box::new(Lean::new(tcp, session)))
    }

    /// From now on nothing waits.
    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        self.tcp().set_nonblocking(true)
    }

    /// Whether bytes that were taken are not yet on their way: call [`Write::flush`] when there is
    /// room again.
    pub(crate) fn is_unflushed(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Client(tls) => tls.is_unflushed(),
            Self::Server(tls) => tls.is_unflushed(),
        }
    }

    /// Whether the peer is known to have ended its stream, which a read of TLS may learn while it
    /// gives other bytes.
    pub(crate) fn is_ended(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Client(tls) => tls.is_ended(),
            Self::Server(tls) => tls.is_ended(),
        }
    }

    /// Ends the stream to the peer.
    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => {}
            Self::Client(tls) => tls.say_goodbye()?,
            Self::Server(tls) => tls.say_goodbye()?,
        }
        self.tcp().shutdown(Shutdown::Write)
    }

    /// Whether TLS went on from an earlier session.
    pub(crate) fn is_resumed(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Server(_) => false,
            Self::Client(tls) => tls.is_resumed(),
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Client(tls) => tls.tcp(),
            Self::Server(tls) => tls.tcp(),
        }
    }
}

/// A TLS connection gives all it has when the buffer holds 64 KiB, so that waiting for the socket
/// is enough.
impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Client(tls) => tls.read(buffer),
            Self::Server(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Client(tls) => tls.write(bytes),
            Self::Server(tls) => tls.write(bytes),
        }
    }

    /// Sends what was taken, as far as there is room.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Client(tls) => tls.flush(),
            Self::Server(tls) => tls.flush(),
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp().as_fd()
    }
}

/// `None` where it would have to wait.
pub(crate) fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
