//! The server's side of TLS: a connection that holds no buffer while it is idle.
//!
//! - [`Identity`]: a certificate and its key, from the text of their files.
//! - [`Acceptor`]: what a listener shows its clients; it turns a connection into a [`TlsStream`].
//! - [`TlsStream`]: the bytes inside, for whoever speaks HTTP or relays frames.
//!
//! It is rustls without rustls's buffers: all connections of a thread decrypt in one buffer and
//! encrypt into another, and a connection keeps only what is incomplete or not taken yet.
//!
//! Not here: sockets, deadlines, metrics, and which listener has which certificate.

mod accept;
mod acceptor;
mod error;
mod identity;
mod kept;
mod names;
mod scratch;
mod session;
mod stream;

pub use accept::{Application, Handshake, Resumption, Version};
pub use acceptor::{Acceptor, Oldest};
pub use error::{Error, HandshakeError};
pub use identity::{File, Identity};
pub use stream::TlsStream;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
