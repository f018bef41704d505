//! A session's stream of an HTTP/2 connection, as bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::streams::Open;

/// Bytes that are written at once. hyper copies each write, and has up to three of a stream in hand while
/// its client does not take them.
const MAX_WRITE: usize = 16 * 1024;

/// A stream that is a session's. Its end is the stream's half of it (RFC 8441 section 5).
pub(crate) struct Stream {
    upgraded: TokioIo<Upgraded>,
    _open: Open,
}

impl Stream {
    pub(super) fn new(upgraded: Upgraded, open: Open) -> Self {
        Self {
            upgraded: TokioIo::new(upgraded),
            _open: open,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.upgraded).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let now = buf.get(..MAX_WRITE).unwrap_or(buf);
        Pin::new(&mut self.upgraded).poll_write(cx, now)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.upgraded).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.upgraded).poll_shutdown(cx)
    }
}
