//! What carries a session's bytes.
//!
//! Anything that can be read and written does. What is a TCP connection and nothing else says so, and is then asked
//! in a shorter way: [`recv`] and [`send`] look at what the runtime knows of the socket, make one system call if there is
//! a point in it, and leave the runtime's locks and wakers alone.
//!
//! Not here: who is woken when there is something. That is for `poll_read` and `poll_write`, which are called after an
//! attempt that came to nothing.

mod attempt;

pub use attempt::{Attempt, recv, send, send_last};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

/// What a session can run over.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// The connection, where reading and writing it now is all that `poll_read` and `poll_write` would do: there is nothing
    /// between it and the bytes, none were read ahead, and nothing else is due.
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }
}

impl Wire for TcpStream {
    #[inline]
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

/// A pipe within the process.
impl Wire for DuplexStream {}
