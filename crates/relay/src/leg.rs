//! The two connections of a session, and calling the right one.
//!
//! What is behind a connection (a socket, TLS, a pipe in a test) is the caller's choice. A socket is asked for itself first,
//! and the runtime only where that came to nothing: most of what a small message costs besides the system calls is to ask.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use switchyard_proto::Side;
use switchyard_wire::{Attempt, Wire, recv, send, send_last};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::task::coop::has_budget_remaining;

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

/// Whether the task is woken when there is something to read, without asking for it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waking {
    /// It was asked for, and nothing has come since.
    Asked,
    /// It was not, or perhaps by another task.
    Unasked,
}

impl<D: Wire, U: Wire> Wires<D, U> {
    /// Reads into `area`, which is not empty; 0 is the end of the stream. `waking` is of this side.
    #[inline]
    pub(crate) fn poll_read(
        &mut self,
        from: Side,
        waking: &mut Waking,
        cx: &mut Context<'_>,
        area: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match from {
            Side::Downstream => poll_read(&mut self.downstream, waking, cx, area),
            Side::Upstream => poll_read(&mut self.upstream, waking, cx, area),
        }
    }

    /// Writes some of `bytes`, which is not empty, and at least one byte.
    #[inline]
    pub(crate) fn poll_write(
        &mut self,
        to: Side,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(match to {
            Side::Downstream => poll_write(&mut self.downstream, cx, bytes),
            Side::Upstream => poll_write(&mut self.upstream, cx, bytes),
        })?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(written))
    }

    /// Writes some of `bytes`, which is not empty, behind which the stream is ended at once; nothing, where that cannot go
    /// together.
    pub(crate) fn write_last(&self, to: Side, bytes: &[u8]) -> usize {
        let tcp = match to {
            Side::Downstream => self.downstream.tcp(),
            Side::Upstream => self.upstream.tcp(),
        };
        match tcp.map(|tcp| send_last(tcp, bytes)) {
            Some(Attempt::Moved(len)) => len,
            Some(Attempt::Unready | Attempt::Blocked | Attempt::Failed(_)) | None => 0,
        }
    }

    #[inline]
    pub(crate) fn poll_flush(&mut self, to: Side, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match to {
            Side::Downstream => poll_flush(&mut self.downstream, cx),
            Side::Upstream => poll_flush(&mut self.upstream, cx),
        }
    }

    /// Whether both are sockets: to drop them ends their streams, with nothing to be said before.
    pub(crate) fn are_sockets(&self) -> bool {
        self.downstream.tcp().is_some() && self.upstream.tcp().is_some()
    }

    pub(crate) fn poll_shutdown(&mut self, to: Side, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match to {
            Side::Downstream => Pin::new(&mut self.downstream).poll_shutdown(cx),
            Side::Upstream => Pin::new(&mut self.upstream).poll_shutdown(cx),
        }
    }
}

#[inline]
fn poll_read<W: Wire>(
    wire: &mut W,
    waking: &mut Waking,
    cx: &mut Context<'_>,
    area: &mut [u8],
) -> Poll<io::Result<usize>> {
    if let Some(tcp) = wire.tcp() {
        match recv(tcp, area) {
            Attempt::Moved(len) => {
                let is_all = 0 < len && len < area.len();
                *waking = if is_all && *waking == Waking::Asked {
                    ask_again(tcp, cx)
                } else {
                    Waking::Unasked
                };
                return Poll::Ready(Ok(len));
            }
            Attempt::Failed(error) => return Poll::Ready(Err(error)),
            Attempt::Unready if *waking == Waking::Asked => return Poll::Pending,
            Attempt::Unready | Attempt::Blocked => {}
        }
    }
    ask(wire, waking, cx, area)
}

/// Has the task woken by a socket that it has asked before, and that has nothing more for now. Else [`ask`] is to follow:
/// there may be more to it than a socket.
#[inline]
fn ask_again(tcp: &TcpStream, cx: &mut Context<'_>) -> Waking {
    asked(&tcp.poll_read_ready(cx))
}

/// Whether the task is woken after it has asked.
#[inline]
fn asked<T>(answer: &Poll<T>) -> Waking {
    // Without budget the runtime has the task polled again, and has not looked at the connection.
    if answer.is_pending() && has_budget_remaining() {
        Waking::Asked
    } else {
        Waking::Unasked
    }
}

/// Has the task woken when there is something to read, unless there is.
#[inline(never)]
fn ask<W: Wire>(
    wire: &mut W,
    waking: &mut Waking,
    cx: &mut Context<'_>,
    area: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut area = ReadBuf::new(area);
    let read = Pin::new(wire).poll_read(cx, &mut area);
    *waking = asked(&read);
    ready!(read)?;
    Poll::Ready(Ok(area.filled().len()))
}

#[inline]
fn poll_write<W: Wire>(
    wire: &mut W,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    if let Some(tcp) = wire.tcp() {
        match send(tcp, bytes) {
            Attempt::Moved(len) => return Poll::Ready(Ok(len)),
            Attempt::Failed(error) => return Poll::Ready(Err(error)),
            Attempt::Unready | Attempt::Blocked => {}
        }
    }
    Pin::new(wire).poll_write(cx, bytes)
}

#[inline]
fn poll_flush<W: Wire>(wire: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    // What was sent on a socket is the system's.
    if wire.tcp().is_some() {
        return Poll::Ready(Ok(()));
    }
    Pin::new(wire).poll_flush(cx)
}
