//! The client's connection as hyper and the relay see it.
//!
//! Everything here is generic over the transport: a listener that ends TLS hands in its own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use switchyard_tls::TlsStream;
use switchyard_wire::Wire;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::framing::{Framing, Watcher};
use crate::seat::Seat;

/// What carries a client's bytes.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The connection, where nothing is between it and the bytes.
    fn tcp(&self) -> Option<&TcpStream>;
}

impl Transport for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }
}

/// A pipe, in tests.
#[cfg(test)]
impl Transport for tokio::io::DuplexStream {
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }
}

/// An accepted connection, in its seat.
pub(crate) struct Seated<T> {
    transport: T,
    _seat: Seat,
}

impl<T> Seated<T> {
    pub(crate) fn new(transport: T, seat: Seat) -> Self {
        Self {
            transport,
            _seat: seat,
        }
    }
}

impl<T: Transport> Wire for Seated<T> {
    #[inline]
    fn tcp(&self) -> Option<&TcpStream> {
        self.transport.tcp()
    }
}

/// What a [`Watched`] connection has seen, told to whoever answers its requests.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    contradiction: AtomicBool,
}

impl Sightings {
    /// Whether any head up to now has two lengths for its body.
    pub(crate) fn framing(&self) -> Framing {
        if self.contradiction.load(Ordering::Relaxed) {
            Framing::Contradictory
        } else {
            Framing::Plain
        }
    }

    fn note(&self, framing: Framing) {
        if framing == Framing::Contradictory {
            self.contradiction.store(true, Ordering::Relaxed);
        }
    }
}

/// A connection whose request heads are read along; see [`crate::framing`].
pub(crate) struct Watched<T> {
    inner: Seated<T>,
    watcher: Watcher,
    sightings: Arc<Sightings>,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: Seated<T>, sightings: Arc<Sightings>) -> Self {
        Self {
            inner,
            watcher: Watcher::default(),
            sightings,
        }
    }

    /// The connection itself, for when no more requests come on it.
    pub(crate) fn into_inner(self) -> Seated<T> {
        self.inner
    }
}

impl<T: Transport> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        let framing = self.watcher.read(fresh);
        self.sightings.note(framing);
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport> AsyncRead for Seated<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_read(cx, buf)
    }
}

/// Writing is the transport's business.
macro_rules! write_through {
    ($type:ident, $field:ident) => {
        impl<T: Transport> AsyncWrite for $type<T> {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.$field).poll_write(cx, buf)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.$field).poll_write_vectored(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                self.$field.is_write_vectored()
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.$field).poll_flush(cx)
            }

            fn poll_shutdown(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.$field).poll_shutdown(cx)
            }
        }
    };
}

pub(crate) use write_through;

write_through!(Seated, transport);
write_through!(Watched, inner);
