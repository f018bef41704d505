//! TLS towards endpoints: whom a cluster trusts, and the name that each endpoint has to show.
//!
//! How TLS itself is done is `switchyard_tls`'s; when it is done, and what becomes of an endpoint
//! with which it is not, `dial`'s and `health`'s.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use switchyard_config::{self as config, ClusterTls, NamedFile};
use switchyard_telemetry::labels::{Resumed, TlsVersion};
use switchyard_telemetry::metrics::endpoint::EndpointMetrics;
use switchyard_tls::{
    Application, ConnectError, Connector, ConnectorSettings, Destination, Error, File, Handshake,
    Identity, Oldest, Resumption, ServerName, Trust, Version,
};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::stream::Stream;

/// The endpoint let its time pass.
const TIMED_OUT: &str = "timeout";

/// There is TLS, and no HTTP/2 inside.
const NO_HTTP2: &str = "no_http2";

/// How the endpoints of a cluster are spoken to.
#[derive(Debug)]
pub(crate) struct Tls {
    connector: Connector,
    /// What all of them have to show; otherwise each its own.
    name: Option<ServerName>,
}

/// How one endpoint is spoken to, for as long as its name is the same.
#[derive(Debug)]
pub(crate) struct Secured {
    id: Id,
    destination: Destination,
    /// The same, for HTTP/2.
    http2: Destination,
    /// Whether it has been said that the endpoint cannot be trusted, since it last could.
    is_told: AtomicBool,
}

/// Tells connections apart that were made under different conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(u64);

/// Why there is no TLS with an endpoint.
#[derive(Debug)]
pub(crate) enum NoTls {
    /// The handshake was not done in time.
    Late,
    /// It came to nothing.
    Failed(Box<ConnectError>),
    /// The endpoint agreed to no HTTP/2 by ALPN.
    NoHttp2,
}

impl Tls {
    /// Reads what the cluster trusts and shows.
    pub(crate) fn new(settings: &ClusterTls) -> Result<Self, Error> {
        let identity = settings.certificate.as_ref().map(identity).transpose()?;
        let trust = match &settings.trust {
            config::Trust::System => Trust::System,
            config::Trust::Authorities(ca) => Trust::Authorities(file(ca)),
            config::Trust::Anyone => Trust::Anyone,
        };
        let oldest = match settings.min_version {
            config::TlsVersion::Tls12 => Oldest::Tls12,
            config::TlsVersion::Tls13 => Oldest::Tls13,
        };
        let name = settings.server_name.as_deref();
        Ok(Self {
            connector: Connector::new(ConnectorSettings {
                trust,
                identity,
                oldest,
            })?,
            name: name.map(server_name).transpose()?,
        })
    }

    /// How an endpoint at `address` is spoken to that was found under `name`. One whose name no
    /// certificate can have is verified as one without.
    pub(crate) fn towards(&self, address: IpAddr, name: Option<&str>) -> Secured {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let destination = self.connector.towards(self.expected(address, name));
        Secured {
            id: Id(NEXT.fetch_add(1, Ordering::Relaxed)),
            http2: destination.clone().with_http2(),
            destination,
            is_told: AtomicBool::new(false),
        }
    }

    /// What an endpoint at `address` has to show that was found under `name`.
    pub(crate) fn expected(&self, address: IpAddr, name: Option<&str>) -> ServerName {
        let own = || name.and_then(ServerName::parse);
        let name = self.name.clone().or_else(own);
        name.unwrap_or_else(|| address.into())
    }
}

impl Secured {
    pub(crate) fn id(&self) -> Id {
        self.id
    }

    /// What the endpoint has to show.
    pub(crate) fn name(&self) -> &ServerName {
        self.destination.name()
    }

    /// Does the handshake on a connection to `endpoint` that has just been made.
    pub(crate) async fn secure(
        &self,
        tcp: TcpStream,
        deadline: Instant,
        application: Application,
        endpoint: &str,
        metrics: &EndpointMetrics,
    ) -> Result<Stream, NoTls> {
        let destination = match application {
            Application::Http1 => &self.destination,
            Application::Http2 => &self.http2,
        };
        match timeout_at(deadline, destination.connect(tcp)).await {
            Ok(Ok((_, handshake))) if handshake.application != application => {
                metrics.tls_failed(NO_HTTP2);
                Err(NoTls::NoHttp2)
            }
            Ok(Ok((stream, handshake))) => {
                let (version, resumed) = labels(&handshake);
                metrics.tls_completed(version, resumed);
                self.is_told.store(false, Ordering::Relaxed);
                Ok(Stream::Tls(stream))
            }
            Ok(Err(error)) => {
                metrics.tls_failed(error.reason());
                self.tell(endpoint, &error);
                Err(NoTls::Failed(Box::new(error)))
            }
            Err(_elapsed) => {
                metrics.tls_failed(TIMED_OUT);
                Err(NoTls::Late)
            }
        }
    }

    /// Somebody has to look at an endpoint that cannot be trusted; it is said once, and not for every
    /// client that comes.
    fn tell(&self, endpoint: &str, error: &ConnectError) {
        if let ConnectError::Untrusted(_) = error
            && !self.is_told.swap(true, Ordering::Relaxed)
        {
            let expected = self.name();
            tracing::warn!(endpoint, %expected, %error, "an endpoint is not who it should be");
        }
    }
}

fn server_name(text: &str) -> Result<ServerName, Error> {
    ServerName::parse(text).ok_or_else(|| Error::ServerName { name: text.into() })
}

fn identity(certificate: &config::ClientCertificate) -> Result<Identity, Error> {
    Identity::parse(file(&certificate.cert), file(&certificate.key))
}

fn file(file: &NamedFile) -> File<'_> {
    File {
        path: &file.path,
        content: file.content.expose(),
    }
}

fn labels(handshake: &Handshake) -> (TlsVersion, Resumed) {
    let version = match handshake.version {
        Version::Tls12 => TlsVersion::Tls12,
        Version::Tls13 => TlsVersion::Tls13,
    };
    let resumed = match handshake.resumption {
        Resumption::Resumed => Resumed::Yes,
        Resumption::Full => Resumed::No,
    };
    (version, resumed)
}

#[cfg(test)]
mod tests;
