//! A stream of an HTTP/2 connection, as bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are written at once. hyper copies each write, and has up to three of a stream in hand while
/// its peer does not take them.
const MAX_WRITE: usize = 16 * 1024;

/// A stream that is a WebSocket's (RFC 8441), of a client's connection or of one to an endpoint. Its end is
/// the stream's half of it.
#[derive(Debug)]
pub struct Substream(TokioIo<Upgraded>);

impl Substream {
    /// Of what hyper gives.
    #[must_use]
    pub fn new(upgraded: Upgraded) -> Self {
        Self(TokioIo::new(upgraded))
    }
}

impl AsyncRead for Substream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Substream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let now = buf.get(..MAX_WRITE).unwrap_or(buf);
        Pin::new(&mut self.0).poll_write(cx, now)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
