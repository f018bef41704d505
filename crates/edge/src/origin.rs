//! Where a connection comes from: as the system has it, or as a proxy before the gateway says.
//!
//! Not here: how a proxy says it (`proxy_protocol`), and whose the requests on it are
//! (`client_address`).

use std::net::SocketAddr;

use switchyard_telemetry::labels::TlsVersion;
use tokio::net::TcpStream;

use crate::forward::Scheme;
use crate::worker::Worker;

/// Where a connection comes from, on the best word that is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Who opened it.
    pub(crate) client: SocketAddr,
    /// What it was opened to, where an endpoint may be told.
    pub(crate) local: Option<SocketAddr>,
    /// Whether TLS was ended on the way.
    pub(crate) scheme: Scheme,
    /// And which, as the PROXY protocol calls it.
    pub(crate) tls_version: Option<&'static str>,
}

impl Origin {
    /// As the system has it. It is asked for this end's address only where some cluster tells its
    /// endpoints.
    pub(crate) fn of(stream: &TcpStream, peer: SocketAddr, worker: &Worker) -> Self {
        let is_told = worker.snapshot.load().tells_addresses();
        Self {
            client: peer,
            local: is_told.then(|| stream.local_addr().ok()).flatten(),
            scheme: Scheme::Http,
            tls_version: None,
        }
    }
}

/// As OpenSSL, and with it the PROXY protocol, calls a version of TLS.
pub(crate) fn protocol_name(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls12 => "TLSv1.2",
        TlsVersion::Tls13 => "TLSv1.3",
    }
}
