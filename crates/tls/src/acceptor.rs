//! What a listener shows its clients, and what it accepts of them.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use arcstr::ArcStr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::server::{
    NoServerSessionStorage, UnbufferedServerConnection, WebPkiClientVerifier,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};

use crate::accept::{self, Application, Handshake};
use crate::authority::Authority;
use crate::error::{Error, HandshakeError};
use crate::hello::Greeted;
use crate::identity::Identity;
use crate::names::Names;
use crate::secret::{Secrets, TicketSecret};
use crate::session::Session;
use crate::shown::Shown;
use crate::stream::TlsStream;
use crate::tickets::Tickets;

/// What is spoken inside, unless something better is.
pub(crate) const HTTP1: &[u8] = b"http/1.1";

/// RFC 9113 section 3.2.
pub(crate) const HTTP2: &[u8] = b"h2";

/// A client comes back with one connection, and that one brings it the next ticket.
const TICKETS: usize = 1;

/// The part of a ticket's scope that tells authorities apart, where clients are not asked who they are.
const NO_CLIENT_CA: &[u8] = b"";

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

/// What holds for the clients of a listener.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The oldest version that they may speak.
    pub oldest: Oldest,
    /// The listener's name. Tickets of another listener are not taken.
    pub listener: ArcStr,
    /// What their tickets are sealed with.
    pub tickets: TicketSecret,
    /// Whom their certificates must come from; without it they are not asked.
    pub clients: Option<Authority>,
    /// What is spoken inside with clients that offer it; HTTP/1.1 with all others.
    pub application: Application,
}

/// Makes TLS connections of a listener's. Clones are the same.
#[derive(Clone)]
pub struct Acceptor {
    parts: Arc<Parts>,
}

struct Parts {
    /// Replaced when other clients are to be let in.
    config: ArcSwap<ServerConfig>,
    lasting: Lasting,
}

/// What does not change with the clients that are let in.
struct Lasting {
    shown: Arc<Shown>,
    secrets: Arc<Secrets>,
    oldest: Oldest,
    listener: ArcStr,
    application: Application,
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
    pub fn new(identities: &[Identity], terms: Terms) -> Result<Self, Error> {
        let lasting = Lasting {
            shown: Arc::new(Shown::new(Names::new(identities)?)),
            secrets: Arc::new(Secrets::new(terms.tickets)),
            oldest: terms.oldest,
            listener: terms.listener,
            application: terms.application,
        };
        let config = lasting.config(terms.clients.as_ref())?;
        let parts = Parts {
            config: ArcSwap::from_pointee(config),
            lasting,
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// Shows others from now on. Handshakes under way go on with what they began with.
    ///
    /// # Errors
    /// As for [`Self::new`]; then nothing changes.
    pub fn show(&self, identities: &[Identity]) -> Result<(), Error> {
        self.parts.lasting.shown.replace(Names::new(identities)?);
        Ok(())
    }

    /// Seals tickets with another secret from now on. Those of the one before are taken for one
    /// more period.
    pub fn seal_with(&self, tickets: TicketSecret) {
        self.parts.lasting.secrets.replace(tickets, now());
    }

    /// Asks clients for certificates of another authority from now on. Tickets of the one before
    /// are not taken.
    ///
    /// # Errors
    /// The library's refusal; then nothing changes.
    pub fn ask(&self, clients: &Authority) -> Result<(), Error> {
        let config = self.parts.lasting.config(Some(clients))?;
        self.parts.config.store(Arc::new(config));
        Ok(())
    }

    /// Does the handshake with a client that has said hello. It waits for the client for as long as
    /// it is polled: the deadline is the caller's.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn shake<T>(
        &self,
        greeted: Greeted<T>,
    ) -> Result<(TlsStream<T>, Handshake), HandshakeError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        accept::handshake(greeted, self.session()?).await
    }

    pub(crate) fn session(&self) -> Result<Session, HandshakeError> {
        let connection = UnbufferedServerConnection::new(self.parts.config.load_full());
        connection
            .map(Session::new)
            .map_err(HandshakeError::Refused)
    }
}

impl Lasting {
    fn config(&self, clients: Option<&Authority>) -> Result<ServerConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = match clients {
            Some(authority) => authority.verifier(&provider)?,
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let terms = clients.map_or(NO_CLIENT_CA, |authority| &authority.scope);
        let scope = Secrets::scope(&self.listener, terms);
        let secrets = Arc::clone(&self.secrets);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(self.oldest.versions())?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::<Shown>::clone(&self.shown));
        config.alpn_protocols = match self.application {
            Application::Http1 => vec![HTTP1.to_vec()],
            Application::Http2 => vec![HTTP2.to_vec(), HTTP1.to_vec()],
        };
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Arc::new(Tickets::new(secrets, scope, Box::new(now)));
        config.send_tls13_tickets = TICKETS;
        Ok(config)
    }
}

fn now() -> u64 {
    UnixTime::now().as_secs()
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}
