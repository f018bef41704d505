//! Both ends of TLS: a connection that holds no buffer while it is idle.
//!
//! - [`Identity`]: a certificate and its key, from the text of their files.
//! - [`Acceptor`]: what a listener shows its clients; it turns a connection into a [`TlsStream`].
//! - [`Connector`]: whom a cluster trusts; its [`Destination`]s turn one into a [`ClientStream`].
//! - [`TlsStream`]: the bytes inside, for whoever speaks HTTP or relays frames.
//!
//! It is rustls without rustls's buffers: all connections of a thread decrypt in one buffer and
//! encrypt into another, and a connection keeps only what is incomplete or not taken yet.
//!
//! Not here: sockets, deadlines, metrics, and which listener or cluster has which certificate.

mod accept;
mod acceptor;
mod connect;
mod connection;
mod connector;
mod danger;
mod error;
mod identity;
mod kept;
mod names;
mod roots;
mod scratch;
mod server_name;
mod session;
mod stream;

pub use accept::{Application, Handshake, Resumption, Version};
pub use acceptor::{Acceptor, Oldest};
pub use connect::{ClientStream, ConnectError, is_tls_failure};
pub use connector::{Connector, ConnectorSettings, Destination, Trust};
pub use error::{Error, HandshakeError};
pub use identity::{File, Identity};
pub use server_name::ServerName;
pub use stream::TlsStream;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
