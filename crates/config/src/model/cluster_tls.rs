//! How endpoints are spoken to over TLS.

use arcstr::ArcStr;

use super::{NamedFile, TlsVersion};

/// How a cluster's endpoints are spoken to over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterTls {
    /// What every endpoint has to show: a DNS name, or an IP address. `None`: each its own.
    pub server_name: Option<ArcStr>,
    /// Whose word is taken for who an endpoint is.
    pub trust: Trust,
    /// What an endpoint is shown that asks who comes.
    pub certificate: Option<ClientCertificate>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
}

/// What the gateway shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and its chain, in PEM.
    pub cert: NamedFile,
    /// The private key, in PEM.
    pub key: NamedFile,
}

/// Whose word is taken for who an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that this machine trusts.
    System,
    /// Those in a file, and no others.
    Authorities(NamedFile),
    /// Nobody is asked.
    Anyone,
}
