//! Handshakes of TLS on a listener.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::registered;
use crate::labels::{Resumed, TlsVersion};

/// From a client on this host that resumes to one on a slow line.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// The result of a handshake that came to its end.
const COMPLETED: &str = "ok";

/// The version of a handshake that did not.
const NO_VERSION: &str = "none";

/// The families that every listener that ends TLS has series of.
pub(super) struct TlsVecs {
    handshakes: IntCounterVec,
    seconds: HistogramVec,
}

impl TlsVecs {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let handshakes = Opts::new(
            "switchyard_tls_handshakes_total",
            "TLS handshakes with clients, by result: ok, or the reason why not.",
        );
        let seconds = HistogramOpts::new(
            "switchyard_tls_handshake_seconds",
            "Time from an accepted connection to the end of its TLS handshake, where that was \
             completed, in seconds.",
        );
        let labels = ["listener", "result", "version", "resumed"];
        let seconds = seconds.buckets(SECONDS.to_vec());
        Ok(Self {
            handshakes: registered(registry, IntCounterVec::new(handshakes, &labels)?)?,
            seconds: registered(registry, HistogramVec::new(seconds, &["listener"])?)?,
        })
    }

    pub(super) fn listener(&self, name: &str) -> TlsMetrics {
        TlsMetrics {
            listener: name.into(),
            handshakes: self.handshakes.clone(),
            seconds: self.seconds.with_label_values(&[name]),
        }
    }
}

/// The metrics of one listener's TLS.
#[derive(Clone)]
pub struct TlsMetrics {
    listener: Box<str>,
    handshakes: IntCounterVec,
    seconds: Histogram,
}

impl TlsMetrics {
    /// Counts a handshake that was completed after `took`.
    pub fn completed(&self, version: TlsVersion, resumed: Resumed, took: Duration) {
        self.count(COMPLETED, version.as_str(), resumed);
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a handshake that was not. `reason` is from a closed list.
    pub fn failed(&self, reason: &'static str) {
        self.count(reason, NO_VERSION, Resumed::No);
    }

    fn count(&self, result: &str, version: &str, resumed: Resumed) {
        let labels = [&*self.listener, result, version, resumed.as_str()];
        self.handshakes.with_label_values(&labels).inc();
    }
}
