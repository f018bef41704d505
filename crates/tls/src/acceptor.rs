//! What a listener shows its clients, and what it accepts of them.

use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::{NoServerSessionStorage, UnbufferedServerConnection};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};

use crate::accept::{self, Handshake};
use crate::error::{Error, HandshakeError};
use crate::identity::Identity;
use crate::names::Names;
use crate::session::Session;
use crate::stream::TlsStream;

/// What is spoken inside, unless something better is.
pub(crate) const HTTP1: &[u8] = b"http/1.1";

/// RFC 9113 section 3.2.
pub(crate) const HTTP2: &[u8] = b"h2";

/// A client comes back with one connection, and that one brings it the next ticket.
const TICKETS: usize = 1;

/// The oldest version of TLS that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oldest {
    /// 1.2 and 1.3.
    Tls12,
    /// 1.3 alone.
    Tls13,
}

impl Oldest {
    pub(crate) fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        const BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::Tls12 => &BOTH,
            Self::Tls13 => BOTH.get(..1).unwrap_or_default(),
        }
    }
}

/// Makes TLS connections of a listener's. Clones are the same.
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
}

impl Acceptor {
    /// Shows one of `identities`, by the name that the client asks for; the first to those that
    /// ask for none of them.
    ///
    /// Clients that were here before resume by tickets, which they keep: nothing grows here with
    /// their number.
    ///
    /// # Errors
    /// No identity, one that no client would be shown, or the library's refusal.
    pub fn new(identities: &[Identity], oldest: Oldest) -> Result<Self, Error> {
        let names = Names::new(identities)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(oldest.versions())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(names));
        config.alpn_protocols = vec![HTTP1.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_tls13_tickets = TICKETS;
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// The same, with HTTP/2 for clients that offer it (RFC 7301).
    #[must_use]
    pub fn with_http2(mut self) -> Self {
        let config = Arc::make_mut(&mut self.config);
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        self
    }

    /// Does the handshake on a connection that has just been accepted. It waits for the client for
    /// as long as it is polled: the deadline is the caller's.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn accept<T>(&self, io: T) -> Result<(TlsStream<T>, Handshake), HandshakeError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        accept::handshake(io, self.session()?).await
    }

    pub(crate) fn session(&self) -> Result<Session, HandshakeError> {
        let connection = UnbufferedServerConnection::new(Arc::clone(&self.config));
        connection
            .map(Session::new)
            .map_err(HandshakeError::Refused)
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}
