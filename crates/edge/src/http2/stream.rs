//! A session's stream of its client's HTTP/2 connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::Upgraded;
use switchyard_upstream::Substream;
use switchyard_wire::Wire;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::streams::Open;

/// A stream that is a session's, which keeps the connection from being idle.
pub(crate) struct Stream {
    bytes: Substream,
    _open: Open,
}

impl Stream {
    pub(super) fn new(upgraded: Upgraded, open: Open) -> Self {
        Self {
            bytes: Substream::new(upgraded),
            _open: open,
        }
    }
}

/// The connection is that of others too.
impl Wire for Stream {}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }
}
