//! A connection whose first bytes have been looked at.
//!
//! A client may speak HTTP/2 without TLS, by prior knowledge (RFC 9113 section 3.3): its first bytes say
//! so. No method of HTTP/1.1 begins like them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::io::{Transport, write_through};

/// How the preface of HTTP/2 begins (RFC 9113 section 3.4). The rest of it is for the parser to check.
const PREFACE: [u8; 3] = *b"PRI";

/// What a client begins to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    Http1,
    Http2,
}

/// A connection that begins with bytes that have been read already.
pub(crate) struct Prefixed<T> {
    prefix: [u8; PREFACE.len()],
    /// Where in the prefix the bytes that nobody has taken begin, and end.
    start: u8,
    end: u8,
    inner: T,
}

/// Reads until it is clear what the client speaks.
///
/// # Errors
/// What the connection says; an end is an error too.
pub(crate) async fn look<T: Transport>(mut inner: T) -> io::Result<(Prefixed<T>, Beginning)> {
    let mut prefix = [0; PREFACE.len()];
    let mut end = 0;
    let beginning = loop {
        let (read, expected) = (prefix.get(..end), PREFACE.get(..end));
        if read != expected {
            break Beginning::Http1;
        }
        let Some(room) = prefix.get_mut(end..).filter(|room| !room.is_empty()) else {
            break Beginning::Http2;
        };
        match inner.read(room).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => end += len,
        }
    };
    let prefixed = Prefixed {
        prefix,
        start: 0,
        end: u8::try_from(end).unwrap_or(u8::MAX),
        inner,
    };
    Ok((prefixed, beginning))
}

impl<T: Transport> Transport for Prefixed<T> {
    fn tcp(&self) -> Option<&TcpStream> {
        let is_taken = self.start == self.end;
        self.inner.tcp().filter(|_| is_taken)
    }
}

impl<T: Transport> AsyncRead for Prefixed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let range = usize::from(self.start)..usize::from(self.end);
        let kept = self.prefix.get(range).unwrap_or_default();
        if kept.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        let now = kept.get(..buf.remaining()).unwrap_or(kept);
        buf.put_slice(now);
        self.start += u8::try_from(now.len()).unwrap_or(0);
        Poll::Ready(Ok(()))
    }
}

write_through!(Prefixed, inner);

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// What comes of a client that sends `text`, byte by byte, and then ends.
    async fn looked(text: &'static str) -> io::Result<(Beginning, String)> {
        let (mut client, server) = tokio::io::duplex(1);
        let sending = async move { client.write_all(text.as_bytes()).await.unwrap() };
        let reading = async {
            let (mut prefixed, beginning) = look(server).await?;
            let mut all = String::new();
            prefixed.read_to_string(&mut all).await?;
            Ok((beginning, all))
        };
        let ((), looked) = tokio::join!(sending, reading);
        looked
    }

    #[tokio::test]
    async fn nothing_is_lost_of_what_was_looked_at() {
        for (text, expected) in [
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Beginning::Http2),
            ("GET / HTTP/1.1\r\n\r\n", Beginning::Http1),
            ("PROPFIND / HTTP/1.1\r\n\r\n", Beginning::Http1),
        ] {
            assert_eq!(looked(text).await.unwrap(), (expected, text.to_owned()));
        }
        let early = looked("PR").await.unwrap_err();
        assert_eq!(early.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_small_buffer_gets_it_in_pieces() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b"PRI and more").await.unwrap();
        let (mut prefixed, _) = look(server).await.unwrap();
        let mut two = [0; 2];
        prefixed.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"PR");
        prefixed.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"I ");
    }
}
