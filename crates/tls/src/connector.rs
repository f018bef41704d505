//! Whom a client trusts, what it shows, and where it goes with that.

use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::client::{Resumption, UnbufferedClientConnection, WantsClientCert};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, ConfigBuilder, WantsVerifier};

use crate::accept::Handshake;
use crate::acceptor::{HTTP1, HTTP2, Oldest};
use crate::connect::{self, ClientStream, ConnectError};
use crate::danger::NoVerification;
use crate::error::Error;
use crate::identity::{File, Identity};
use crate::roots;
use crate::server_name::ServerName;
use crate::session::Session;

/// Tickets that are kept of one server: as many as the library keeps of one at most.
const TICKETS: usize = 8;

/// What a connector is made from.
#[derive(Debug)]
pub struct ConnectorSettings<'a> {
    /// Whose word is taken for who a server is.
    pub trust: Trust<'a>,
    /// What a server is shown that asks who comes.
    pub identity: Option<Identity>,
    /// The oldest version that is spoken.
    pub oldest: Oldest,
}

/// Whose word is taken for who a server is.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// The authorities that this machine trusts.
    System,
    /// Those in a file, and no others.
    Authorities(File<'a>),
    /// Nobody is asked: whoever answers is taken for the server, and reads and changes everything.
    Anyone,
}

/// Makes TLS connections to servers. Clones are the same.
#[derive(Clone)]
pub struct Connector {
    config: ClientConfig,
}

/// A server that is connected to, with the tickets that it gave us. Clones are the same.
#[derive(Clone)]
pub struct Destination {
    config: Arc<ClientConfig>,
    name: ServerName,
}

impl Connector {
    /// Reads what is trusted, of the system or of a file.
    ///
    /// # Errors
    /// There is nothing that could be trusted, or the library's refusal.
    pub fn new(settings: ConnectorSettings<'_>) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(settings.oldest.versions())?;
        let builder = verified(builder, settings.trust)?;
        let mut config = match settings.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = CertifiedKey::clone(&identity.key);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
        };
        config.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Self { config })
    }

    /// Towards the server of that name, which has to show it. Tickets are kept for each destination
    /// apart: servers that share a name need not share the keys of their tickets.
    #[must_use]
    pub fn towards(&self, name: ServerName) -> Destination {
        let mut config = self.config.clone();
        config.resumption = Resumption::in_memory_sessions(TICKETS);
        Destination {
            config: Arc::new(config),
            name,
        }
    }
}

impl Destination {
    /// The same, for HTTP/2 alone (RFC 7301). Whether the server agrees is for the caller to see.
    #[must_use]
    pub fn with_http2(mut self) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = vec![HTTP2.to_vec()];
        self
    }

    /// The same, for another protocol than HTTP: none is offered.
    #[must_use]
    pub fn without_protocol(mut self) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = Vec::new();
        self
    }

    /// Who has to answer.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// Does the handshake on a connection that has just been made. It waits for the server for as
    /// long as it is polled: the deadline is the caller's.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect<T>(&self, io: T) -> Result<(ClientStream<T>, Handshake), ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        connect::handshake(io, self.session()?).await
    }

    pub(crate) fn session(&self) -> Result<Session<UnbufferedClientConnection>, ConnectError> {
        let name = self.name.inner().clone();
        let connection = UnbufferedClientConnection::new(Arc::clone(&self.config), name);
        let mut session = Session::new(connection.map_err(ConnectError::Refused)?);
        session.begin();
        Ok(session)
    }
}

fn verified(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    trust: Trust<'_>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    Ok(match trust {
        Trust::System => builder.with_root_certificates(roots::of_the_system()?),
        Trust::Authorities(file) => builder.with_root_certificates(roots::of(file)?),
        Trust::Anyone => {
            let provider = Arc::clone(builder.crypto_provider());
            let nobody = Arc::new(NoVerification::new(provider));
            builder.dangerous().with_custom_certificate_verifier(nobody)
        }
    })
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
