//! How a listener receives its clients. All of it can change while the listener is open, for the
//! connections that come from then on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use switchyard_config as config;
use switchyard_telemetry::Metrics;

use crate::proxy_protocol::ProxyProtocol;
use crate::tls::{self, Tls};

/// See the module.
pub struct ListenerSettings {
    pub(crate) name: ArcStr,
    pub(crate) address: SocketAddr,
    pub(crate) max_connections: u32,
    pub(crate) handshake_timeout: Duration,
    /// `None`: HTTP/1.1 is all that is spoken.
    pub(crate) http2: Option<Http2Settings>,
    /// What each connection begins with.
    pub(crate) proxy_protocol: Option<Arc<ProxyProtocol>>,
    /// `None`: nothing is encrypted.
    pub(crate) tls: Option<Arc<Tls>>,
}

/// How HTTP/2 is spoken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Http2Settings {
    pub(crate) extended_connect: bool,
    pub(crate) max_concurrent_streams: u32,
}

impl ListenerSettings {
    /// Reads what is in the files of its TLS, unless `former` has read the same.
    pub(crate) fn new(
        listener: &config::Listener,
        metrics: &Metrics,
        former: Option<&Self>,
    ) -> Result<Self, switchyard_tls::Error> {
        let former = former.and_then(|former| former.tls.as_ref());
        Ok(Self {
            name: listener.name.clone(),
            address: listener.address,
            max_connections: listener.max_connections.get(),
            handshake_timeout: listener.handshake_timeout,
            http2: listener.http2.map(Http2Settings::new),
            proxy_protocol: ProxyProtocol::new(listener, metrics).map(Arc::new),
            tls: tls::of(listener, metrics, former)?,
        })
    }

    /// The listener's name in the configuration.
    pub fn name(&self) -> &ArcStr {
        &self.name
    }

    /// The address that the configuration asks for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the listener is the same under `next`, and its sessions could have come in under that: the
    /// name and the address are the same, and both are encrypted or neither is.
    pub fn goes_on_as(&self, next: &Self) -> bool {
        self.name == next.name
            && self.address == next.address
            && self.tls.is_some() == next.tls.is_some()
    }

    /// Whether this is the address that the configuration asks for. Where the system chooses the port, no
    /// two are at the same.
    pub fn is_at(&self, address: SocketAddr) -> bool {
        self.address == address && address.port() != 0
    }
}

impl Http2Settings {
    fn new(settings: config::Http2) -> Self {
        Self {
            extended_connect: settings.extended_connect,
            max_concurrent_streams: settings.max_concurrent_streams.get(),
        }
    }
}
