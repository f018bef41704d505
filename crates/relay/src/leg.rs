//! The two connections of a session, and calling the right one.
//!
//! What is behind a connection (a socket, TLS, a pipe in a test) is the caller's choice.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use switchyard_proto::Side;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a session can run over.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {}

impl<I: AsyncRead + AsyncWrite + Unpin> Wire for I {}

/// One connection of a session, after its handshake.
pub struct Leg<I> {
    /// The connection.
    pub io: I,
    /// Bytes that came with the handshake and are not part of it. They are relayed first.
    pub early: Bytes,
}

/// Both connections.
pub(crate) struct Wires<D, U> {
    pub(crate) downstream: D,
    pub(crate) upstream: U,
}

impl<D: Wire, U: Wire> Wires<D, U> {
    /// Reads into `area`, which is not empty; 0 is the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        from: Side,
        cx: &mut Context<'_>,
        area: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut area = ReadBuf::new(area);
        ready!(match from {
            Side::Downstream => Pin::new(&mut self.downstream).poll_read(cx, &mut area),
            Side::Upstream => Pin::new(&mut self.upstream).poll_read(cx, &mut area),
        })?;
        Poll::Ready(Ok(area.filled().len()))
    }

    /// Writes some of `bytes`, which is not empty, and at least one byte.
    pub(crate) fn poll_write(
        &mut self,
        to: Side,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(match to {
            Side::Downstream => Pin::new(&mut self.downstream).poll_write(cx, bytes),
            Side::Upstream => Pin::new(&mut self.upstream).poll_write(cx, bytes),
        })?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(written))
    }

    pub(crate) fn poll_flush(&mut self, to: Side, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match to {
            Side::Downstream => Pin::new(&mut self.downstream).poll_flush(cx),
            Side::Upstream => Pin::new(&mut self.upstream).poll_flush(cx),
        }
    }

    pub(crate) fn poll_shutdown(&mut self, to: Side, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match to {
            Side::Downstream => Pin::new(&mut self.downstream).poll_shutdown(cx),
            Side::Upstream => Pin::new(&mut self.upstream).poll_shutdown(cx),
        }
    }
}
