//! A TLS connection as a stream of plain bytes.
//!
//! A message costs one read and one write of the socket: what one read brings is decrypted at
//! once, and what one write of the caller's is encrypted to goes out together.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::UnbufferedServerConnection;

use crate::accept::Handshake;
use crate::connection::Connection;
use crate::error::Interruption;
use crate::scratch::{self, INPUT, RECORD, WRITE};
use crate::session::{Inlet, Session};

/// An end of a TLS connection over `T`: the server's, unless `C` says otherwise.
///
/// - Reading gives 0 bytes at the peer's `close_notify`, and at a FIN without one: whoever needs
///   to know whether a stream was cut off looks at what was inside, as without TLS.
/// - Writing takes up to 64 KiB at a time, and all of it once the socket takes any. What the
///   socket has not taken is kept: flush before you write more than you want kept.
/// - Shutting down sends a `close_notify`, and then ends `T`.
///
/// While `T` reads or writes it must not use another `TlsStream`: they share their buffers.
pub struct TlsStream<T, C = UnbufferedServerConnection> {
    /// In one allocation, so that whoever owns a stream for long is no larger than without TLS.
    parts: Box<Parts<T, C>>,
}

struct Parts<T, C> {
    io: T,
    session: Session<C>,
}

impl<T, C> TlsStream<T, C> {
    pub(crate) fn new(io: T, session: Session<C>) -> Self {
        Self {
            parts: Box::new(Parts { io, session }),
        }
    }

    /// What it is over.
    pub fn get_ref(&self) -> &T {
        &self.parts.io
    }
}

impl<T, C> fmt::Debug for TlsStream<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").finish_non_exhaustive()
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, C: Connection> TlsStream<T, C> {
    /// The certificates that the peer has shown, its own first.
    pub(crate) fn peer_chain(&self) -> &[CertificateDer<'static>] {
        let chain = self.parts.session.common().peer_certificates();
        chain.unwrap_or_default()
    }

    /// Takes in what was read before; less than the room that a thread has for it.
    pub(crate) fn hear(&mut self, records: &[u8]) {
        scratch::with_records(|buffer| {
            if let Some(buffer) = buffer.get_mut(..records.len()) {
                buffer.copy_from_slice(records);
                let nowhere = &mut ReadBuf::new(&mut []);
                self.parts.session.receive(buffer, nowhere);
            }
        });
    }

    /// Ready when the handshake is done and all of it is sent, or it failed.
    pub(crate) fn poll_handshake(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Handshake, Interruption>> {
        loop {
            let sent = self.poll_send(cx);
            if let Inlet::Failed(error) = self.parts.session.inlet() {
                return Poll::Ready(Err(Interruption::Refused((**error).clone())));
            }
            ready!(sent).map_err(Interruption::Io)?;
            if !self.parts.session.common().is_handshaking() {
                return Poll::Ready(Ok(Handshake::of(self.parts.session.common())));
            }
            if let Inlet::Ended = self.parts.session.inlet() {
                return Poll::Ready(Err(Interruption::Gone));
            }
            let nowhere = &mut ReadBuf::new(&mut []);
            ready!(self.poll_receive(cx, nowhere)).map_err(Interruption::Io)?;
        }
    }

    /// Reads once, and decrypts to `buffer`.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Parts { io, session } = &mut *self.parts;
        scratch::with_records(|records| {
            // No more than `buffer` takes, so that little has to be kept; but a whole record.
            let end = buffer.remaining().clamp(RECORD, INPUT);
            let kept = session.restore(records);
            let mut room = ReadBuf::new(records.get_mut(kept..end).unwrap_or_default());
            ready!(Pin::new(io).poll_read(cx, &mut room))?;
            match room.filled().len() {
                0 => session.receive_end(),
                fresh => {
                    let records = records.get_mut(..kept + fresh).unwrap_or_default();
                    session.receive(records, buffer);
                }
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Ready when nothing waits to be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Parts { io, session } = &mut *self.parts;
        while !session.unsent().is_empty() {
            let len = ready!(Pin::new(&mut *io).poll_write(cx, session.unsent().rest()))?;
            if len == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            session.unsent().take(len);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends `sealed` as far as the socket takes it, and keeps the rest. If the library had to say
    /// something of its own before, all of it is kept behind that.
    fn send(&mut self, cx: &mut Context<'_>, sealed: &[u8]) -> io::Result<()> {
        let Parts { io, session } = &mut *self.parts;
        let mut sent = 0;
        if session.unsent().is_empty() {
            sent = match Pin::new(io).poll_write(cx, sealed) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(sent) => sent?,
                Poll::Pending => 0,
            };
        }
        let rest = sealed.get(sent..).unwrap_or_default();
        session.unsent().push(rest);
        Ok(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, C: Connection> AsyncRead for TlsStream<T, C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let before = buffer.filled().len();
        while buffer.remaining() > 0 && buffer.filled().len() == before {
            // An answer of the library's own does not wait for the caller to write. Whether it
            // could be sent is found out by who does.
            let _ = stream.poll_send(cx);
            let plain = stream.parts.session.plain();
            if !plain.is_empty() {
                let len = plain.rest().len().min(buffer.remaining());
                buffer.put_slice(plain.rest().get(..len).unwrap_or_default());
                plain.take(len);
                break;
            }
            match stream.parts.session.inlet() {
                Inlet::Open => ready!(stream.poll_receive(cx, buffer))?,
                Inlet::Ended => break,
                Inlet::Failed(error) => {
                    let error = io::Error::new(io::ErrorKind::InvalidData, (**error).clone());
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Not vectored: what a caller has in pieces is one record when it puts them together first.
impl<T: AsyncRead + AsyncWrite + Unpin, C: Connection> AsyncWrite for TlsStream<T, C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        plain: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        ready!(stream.poll_send(cx))?;
        let plain = plain.get(..WRITE).unwrap_or(plain);
        if plain.is_empty() {
            return Poll::Ready(Ok(0));
        }
        scratch::with_sealed(|buffer| {
            let len = stream.parts.session.seal(plain, buffer)?;
            stream.send(cx, buffer.get(..len).unwrap_or_default())?;
            Poll::Ready(Ok(plain.len()))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        ready!(stream.poll_send(cx))?;
        Pin::new(&mut stream.parts.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        stream.parts.session.close();
        ready!(stream.poll_send(cx))?;
        Pin::new(&mut stream.parts.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
impl<T, C> TlsStream<T, C> {
    pub(crate) fn io_mut(&mut self) -> &mut T {
        &mut self.parts.io
    }

    /// Bytes that the connection keeps.
    pub(crate) fn held(&self) -> usize {
        self.parts.session.held()
    }
}
