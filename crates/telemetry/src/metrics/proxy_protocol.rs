//! PROXY headers on a listener.

use prometheus::{IntCounterVec, Opts, Registry};

use super::registered;
use crate::labels::ProxyHeader;

/// The family that every listener with `proxy_protocol` has series of.
pub(super) struct ProxyProtocolVecs {
    headers: IntCounterVec,
}

impl ProxyProtocolVecs {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let headers = Opts::new(
            "switchyard_proxy_protocol_total",
            "Connections of listeners with proxy_protocol, by what they began with: v1, v2 or \
             local, or the reason why they were closed.",
        );
        let headers = IntCounterVec::new(headers, &["listener", "result"])?;
        Ok(Self {
            headers: registered(registry, headers)?,
        })
    }

    pub(super) fn listener(&self, name: &str) -> ProxyProtocolMetrics {
        ProxyProtocolMetrics {
            listener: name.into(),
            headers: self.headers.clone(),
        }
    }
}

/// The metrics of one listener's PROXY headers.
#[derive(Clone)]
pub struct ProxyProtocolMetrics {
    listener: Box<str>,
    headers: IntCounterVec,
}

impl ProxyProtocolMetrics {
    /// Counts a connection by what it began with.
    pub fn began_with(&self, header: ProxyHeader) {
        self.headers
            .with_label_values(&[&*self.listener, header.as_str()])
            .inc();
    }
}
