//! What happens on a route once a handshake, a session or a request: never once a frame.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};

use super::registered;
use crate::labels::{self, AffinityResult, Initiator, MethodClass, Protocol};

/// From what a local endpoint takes to a slow one behind retries.
const HANDSHAKE_SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// From a page that is reloaded at once to a session that stays for a week.
const SESSION_SECONDS: [f64; 11] = [
    1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 604_800.0,
];

const REQUEST_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

const REQUEST_LABELS: [&str; 3] = ["route", "method", "status"];

/// The families that every route has a series of.
pub(super) struct RouteVecs {
    handshakes: IntCounterVec,
    handshake_seconds: HistogramVec,
    session_closes: IntCounterVec,
    session_seconds: HistogramVec,
    affinity: IntCounterVec,
    http_requests: IntCounterVec,
    http_request_seconds: HistogramVec,
}

impl RouteVecs {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let histogram = |name: &str, help: &str, labels: &[&str], bounds: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
            registered(registry, HistogramVec::new(options, labels)?)
        };
        Ok(Self {
            handshakes: counter(
                "switchyard_handshakes_total",
                "WebSocket handshakes, by result: accepted, or the reason why not.",
                &["route", "result"],
            )?,
            handshake_seconds: histogram(
                "switchyard_handshake_seconds",
                "Time from a handshake's request to its answer, whatever the result, in seconds.",
                &["route"],
                &HANDSHAKE_SECONDS,
            )?,
            session_closes: counter(
                "switchyard_session_closes_total",
                "Sessions that ended, by Close code (1005 and 1006 when none was seen), by who \
                 began it and why.",
                &["route", "code", "initiator", "reason"],
            )?,
            session_seconds: histogram(
                "switchyard_session_seconds",
                "How long the sessions that ended had lasted, in seconds.",
                &["route", "protocol"],
                &SESSION_SECONDS,
            )?,
            affinity: counter(
                "switchyard_affinity_total",
                "Choices of an endpoint by affinity: whether it was the owner of the key.",
                &["route", "result"],
            )?,
            http_requests: counter(
                "switchyard_http_requests_total",
                "Plain HTTP requests, by class of method and by status answered.",
                &REQUEST_LABELS,
            )?,
            http_request_seconds: histogram(
                "switchyard_http_request_seconds",
                "Time from a plain HTTP request's head to the head of its answer, in seconds.",
                &REQUEST_LABELS,
                &REQUEST_SECONDS,
            )?,
        })
    }

    pub(super) fn route(&self, name: &str) -> RouteMetrics {
        RouteMetrics {
            name: name.into(),
            handshakes: self.handshakes.clone(),
            handshake_seconds: self.handshake_seconds.with_label_values(&[name]),
            session_closes: self.session_closes.clone(),
            session_seconds: self.session_seconds.clone(),
            affinity: AffinityResult::ALL
                .map(|result| self.affinity.with_label_values(&[name, result.as_str()])),
            http_requests: self.http_requests.clone(),
            http_request_seconds: self.http_request_seconds.clone(),
        }
    }
}

/// The metrics of one route.
#[derive(Clone)]
pub struct RouteMetrics {
    name: Box<str>,
    handshakes: IntCounterVec,
    handshake_seconds: Histogram,
    session_closes: IntCounterVec,
    session_seconds: HistogramVec,
    affinity: [IntCounter; 4],
    http_requests: IntCounterVec,
    http_request_seconds: HistogramVec,
}

impl RouteMetrics {
    /// Counts a handshake that was answered after `took`. `result` is `accepted` or a reason from
    /// a closed list.
    pub fn handshake(&self, result: &'static str, took: Duration) {
        self.handshakes
            .with_label_values(&[&*self.name, result])
            .inc();
        self.handshake_seconds.observe(took.as_secs_f64());
    }

    /// Counts a session that ended after `lasted`. Close codes from 3000 on are shown as `3xxx`
    /// and `4xxx`: peers choose them.
    pub fn session_closed(
        &self,
        protocol: Protocol,
        code: u16,
        initiator: Initiator,
        reason: &'static str,
        lasted: Duration,
    ) {
        let values = [
            &*self.name,
            labels::close_code(code),
            initiator.as_str(),
            reason,
        ];
        self.session_closes.with_label_values(&values).inc();
        let labels = [&*self.name, protocol.as_str()];
        let seconds = self.session_seconds.with_label_values(&labels);
        seconds.observe(lasted.as_secs_f64());
    }

    /// Counts where a handshake's affinity led.
    pub fn affinity(&self, result: AffinityResult) {
        let [owner, overflow, failover, none] = &self.affinity;
        match result {
            AffinityResult::Owner => owner,
            AffinityResult::Overflow => overflow,
            AffinityResult::Failover => failover,
            AffinityResult::None => none,
        }
        .inc();
    }

    /// Counts a plain HTTP request whose answer began after `took`.
    pub fn http_request(&self, method: MethodClass, status: u16, took: Duration) {
        let status = status.to_string();
        let values = [&*self.name, method.as_str(), status.as_str()];
        self.http_requests.with_label_values(&values).inc();
        self.http_request_seconds
            .with_label_values(&values)
            .observe(took.as_secs_f64());
    }
}
