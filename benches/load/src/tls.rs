//! TLS 1.3 for clients and for the forwarder, with one certificate that both know.
//!
//! Every handshake is a whole one, and no tickets are kept, unless it is said: most clients that come are
//! new, but for those of a storm (`tickets`).

mod pinned;
mod tickets;

use std::io;
use std::net::{IpAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier,
};

use crate::wire::Wire;
use pinned::Pinned;
pub(crate) use tickets::Tickets;

/// Makes connections of clients.
#[derive(Clone)]
pub(crate) struct Client(Arc<ClientConfig>);

/// Makes connections of servers.
#[derive(Clone)]
pub(crate) struct Server(Arc<ServerConfig>);

impl Client {
    /// Trusts the certificate in this file.
    pub(crate) fn new(trusted: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(trusted)?)?;
        let config = builder()?.with_root_certificates(roots);
        Ok(Self::without_tickets(config.with_no_client_auth()))
    }

    /// Takes the certificate in this file for the server's without looking at signatures, which costs
    /// less. Uses tickets if there are any to be.
    pub(crate) fn light(trusted: &Path, tickets: Option<&Tickets>) -> Result<Self> {
        let pinned = Arc::new(Pinned(certificate(trusted)?));
        let builder = builder()?.dangerous();
        let config = builder.with_custom_certificate_verifier(pinned);
        let mut client = Self::without_tickets(config.with_no_client_auth());
        if let Some(tickets) = tickets {
            Arc::make_mut(&mut client.0).resumption = Resumption::store(tickets.store());
        }
        Ok(client)
    }

    fn without_tickets(mut config: ClientConfig) -> Self {
        config.resumption = Resumption::disabled();
        Self(Arc::new(config))
    }

    /// The same, which offers to speak this protocol, and no other.
    pub(crate) fn speaking(mut self, protocol: Option<&[u8]>) -> Self {
        let protocols = protocol.into_iter().map(<[u8]>::to_vec).collect();
        Arc::make_mut(&mut self.0).alpn_protocols = protocols;
        self
    }

    pub(crate) fn wire(&self, tcp: TcpStream, server: IpAddr) -> io::Result<Wire> {
        let session = ClientConnection::new(Arc::clone(&self.0), ServerName::from(server));
        let session = session.map_err(io::Error::other)?;
        Ok(Wire::client(tcp, session))
    }
}

impl Server {
    /// Shows this certificate.
    pub(crate) fn new(certificate_file: &Path, key_file: &Path) -> Result<Self> {
        let key = PrivateKeyDer::from_pem_file(key_file)
            .with_context(|| format!("no key in {}", key_file.display()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate(certificate_file)?], key)?;
        // As gateways have it: what is resumed is in the ticket, and nothing is kept for it here.
        config.ticketer = ring::Ticketer::new()?;
        config.send_tls13_tickets = 1;
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn wire(&self, tcp: TcpStream) -> io::Result<Wire> {
        let session = UnbufferedServerConnection::new(Arc::clone(&self.0));
        Ok(Wire::server(tcp, session.map_err(io::Error::other)?))
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_protocol_versions(&[&TLS13])?)
}

fn certificate(file: &Path) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(file)
        .with_context(|| format!("no certificate in {}", file.display()))
}
