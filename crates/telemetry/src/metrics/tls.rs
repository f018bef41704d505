//! TLS of a listener: its handshakes, and its files.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use super::registered;
use crate::labels::{Reload, Resumed, TlsVersion};

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
    expiry: IntGaugeVec,
    reloads: IntCounterVec,
    waiting: IntGaugeVec,
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
        let expiry = Opts::new(
            "switchyard_tls_certificate_expiry_timestamp_seconds",
            "When the certificate that is shown now expires, in Unix time.",
        );
        let reloads = Opts::new(
            "switchyard_tls_reloads_total",
            "Files of TLS that changed and were put to use (ok), or cannot be used (failed).",
        );
        let waiting = Opts::new(
            "switchyard_tls_handshakes_waiting",
            "TLS handshakes whose client has said hello and whose turn has not come.",
        );
        let labels = ["listener", "result", "version", "resumed"];
        let of_file = ["listener", "certificate"];
        let seconds = seconds.buckets(SECONDS.to_vec());
        Ok(Self {
            handshakes: registered(registry, IntCounterVec::new(handshakes, &labels)?)?,
            seconds: registered(registry, HistogramVec::new(seconds, &["listener"])?)?,
            expiry: registered(registry, IntGaugeVec::new(expiry, &of_file)?)?,
            waiting: registered(registry, IntGaugeVec::new(waiting, &["listener"])?)?,
            reloads: registered(
                registry,
                IntCounterVec::new(reloads, &["listener", "result"])?,
            )?,
        })
    }

    pub(super) fn listener(&self, name: &str) -> TlsMetrics {
        TlsMetrics {
            listener: name.into(),
            handshakes: self.handshakes.clone(),
            seconds: self.seconds.with_label_values(&[name]),
            expiry: self.expiry.clone(),
            waiting: self.waiting.with_label_values(&[name]),
            reloads: Reload::ALL
                .map(|result| self.reloads.with_label_values(&[name, result.as_str()])),
        }
    }
}

/// The metrics of one listener's TLS.
#[derive(Clone)]
pub struct TlsMetrics {
    listener: Box<str>,
    handshakes: IntCounterVec,
    seconds: Histogram,
    expiry: IntGaugeVec,
    reloads: [IntCounter; Reload::ALL.len()],
    waiting: IntGauge,
}

/// A handshake waits for its turn, until this is dropped.
#[must_use]
pub struct Waiting(IntGauge);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.dec();
    }
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

    /// A handshake waits for its turn.
    pub fn waits(&self) -> Waiting {
        self.waiting.inc();
        Waiting(self.waiting.clone())
    }

    /// The certificate of that name, as the configuration calls it, expires at this Unix time.
    pub fn expires(&self, certificate: &str, at: i64) {
        let labels = [&*self.listener, certificate];
        self.expiry.with_label_values(&labels).set(at);
    }

    /// The certificate is not shown any more.
    pub fn forget(&self, certificate: &str) {
        // It is not there before it was first looked at.
        let _ = self
            .expiry
            .remove_label_values(&[&*self.listener, certificate]);
    }

    /// Counts files that changed.
    pub fn reloaded(&self, result: Reload) {
        for (it, counter) in Reload::ALL.into_iter().zip(&self.reloads) {
            if it == result {
                counter.inc();
            }
        }
    }

    fn count(&self, result: &str, version: &str, resumed: Resumed) {
        let labels = [&*self.listener, result, version, resumed.as_str()];
        self.handshakes.with_label_values(&labels).inc();
    }
}
