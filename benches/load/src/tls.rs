//! TLS 1.3 for clients and for the forwarder, with one certificate that both know.
//!
//! Every handshake is a whole one: no tickets are kept. A client that comes back is another
//! matter, and most of those that come are new.

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
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};

use crate::wire::Wire;

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
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
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
        config.send_tls13_tickets = 1;
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn wire(&self, tcp: TcpStream) -> io::Result<Wire> {
        let session = UnbufferedServerConnection::new(Arc::clone(&self.0));
        Ok(Wire::server(tcp, session.map_err(io::Error::other)?))
    }
}

fn certificate(file: &Path) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(file)
        .with_context(|| format!("no certificate in {}", file.display()))
}
