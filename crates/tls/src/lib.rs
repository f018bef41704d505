//! Both ends of TLS: a connection that holds no buffer while it is idle.
//!
//! - [`Identity`]: a certificate and its key, from the text of their files.
//! - [`Greeted`]: a connection whose client has said hello; nothing is worked out before.
//! - [`Acceptor`]: what a listener shows its clients; it turns such a connection into a [`TlsStream`].
//! - [`Authority`]: who signs the certificates of clients; [`ClientCertificate`]: what one says.
//! - [`TicketSecret`]: what lets clients resume at every replica that has the same.
//! - [`Connector`]: whom a cluster trusts; its [`Destination`]s turn one into a [`ClientStream`].
//! - [`TlsStream`]: the bytes inside, for whoever speaks HTTP or relays frames.
//!
//! It is rustls without rustls's buffers: all connections of a thread decrypt in one buffer and
//! encrypt into another, and a connection keeps only what is incomplete or not taken yet.
//!
//! Not here: sockets, deadlines, metrics, and which listener or cluster has which certificate.

mod accept;
mod acceptor;
mod authority;
mod client;
mod connect;
mod connection;
mod connector;
mod danger;
mod error;
mod hello;
mod identity;
mod kept;
mod names;
mod ring;
mod roots;
mod scratch;
mod secret;
mod server_name;
mod session;
mod shown;
mod staple;
mod stream;
mod subject;
mod tickets;

pub use accept::{Application, Handshake, Resumption, Version};
pub use acceptor::{Acceptor, Oldest, Terms};
pub use authority::{Authority, Demand};
pub use client::ClientCertificate;
pub use connect::{ClientStream, ConnectError, is_tls_failure};
pub use connector::{Connector, ConnectorSettings, Destination, Trust};
pub use error::{Error, HandshakeError, StapleFault};
pub use hello::Greeted;
pub use identity::{File, Identity};
pub use secret::TicketSecret;
pub use server_name::ServerName;
pub use stream::TlsStream;
pub use tokio_rustls::rustls::pki_types::UnixTime;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
