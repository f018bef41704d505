//! What a session has to its endpoint: a connection of its own, or a stream of one that it shares; or, where it
//! has no endpoint, what takes the place of one.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use switchyard_wire::Wire;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::http2::connections::Room;
use crate::socket::Socket;
use crate::substream::Substream;
use crate::within::Within;

/// See the module.
#[derive(Debug)]
pub enum Line {
    /// A connection of its own.
    Own(Socket),
    /// A stream, in an allocation of its own: who has a connection is no larger for it.
    Shared(Box<Shared>),
    /// There is no endpoint.
    Within(Box<Within>),
}

/// A stream, with the room that it takes on its connection.
#[derive(Debug)]
pub struct Shared {
    stream: Substream,
    _room: Room,
}

impl Line {
    /// What another process can go on with: the socket of a connection of its own, where nothing is
    /// encrypted.
    #[must_use]
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Own(socket) => socket.plain().map(AsFd::as_fd),
            Self::Shared(_) | Self::Within(_) => None,
        }
    }

    /// That of a session without an endpoint.
    #[must_use]
    pub fn within() -> Self {
        Self::Within(Box::default())
    }

    pub(crate) fn shared(stream: Substream, room: Room) -> Self {
        let shared = Shared {
            stream,
            _room: room,
        };
        Self::Shared(Box::new(shared))
    }
}

impl Wire for Line {
    #[inline]
    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Own(socket) if !socket.is_due() => socket.plain(),
            Self::Own(_) | Self::Shared(_) | Self::Within(_) => None,
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        area: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Own(socket) => Pin::new(socket).poll_read(cx, area),
            Self::Shared(shared) => Pin::new(&mut shared.stream).poll_read(cx, area),
            Self::Within(within) => Pin::new(within).poll_read(cx, area),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Own(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Shared(shared) => Pin::new(&mut shared.stream).poll_write(cx, bytes),
            Self::Within(within) => Pin::new(within).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Own(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Self::Shared(shared) => Pin::new(&mut shared.stream).poll_write_vectored(cx, slices),
            Self::Within(within) => Pin::new(within).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Own(socket) => socket.is_write_vectored(),
            Self::Shared(shared) => shared.stream.is_write_vectored(),
            Self::Within(within) => within.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Own(socket) => Pin::new(socket).poll_flush(cx),
            Self::Shared(shared) => Pin::new(&mut shared.stream).poll_flush(cx),
            Self::Within(within) => Pin::new(within).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Own(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Shared(shared) => Pin::new(&mut shared.stream).poll_shutdown(cx),
            Self::Within(within) => Pin::new(within).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_connection_is_no_larger_for_the_choice() {
        assert_eq!(size_of::<Line>(), size_of::<Socket>());
    }
}
