//! The metrics of endpoints, whose series come and go with them.
//!
//! A series is shown while somebody holds its endpoint: a snapshot that names it, or a session
//! that still runs on it. That is why these are collected here, from the handles that live, and
//! not kept in the `prometheus` crate's vectors.

mod collector;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use prometheus::Registry;
use prometheus::proto::Metric;

use collector::EndpointCollector;

use super::family;
use crate::labels::{Ejection, ProbeResult, Resumed, TlsVersion};

/// The result of a TLS handshake that came to its end.
const SHAKEN: &str = "ok";

/// The version of a TLS handshake that did not.
const NO_VERSION: &str = "none";

/// From an endpoint on this host to one that hardly answers within `connect_timeout`.
const CONNECT_SECONDS: [f64; 11] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0,
];

/// One more than the bounds: the last bucket has none.
const CONNECT_BUCKETS: usize = CONNECT_SECONDS.len() + 1;

/// Every endpoint that somebody holds, found again by cluster and name.
#[derive(Clone)]
pub(super) struct Endpoints {
    table: Arc<Mutex<Table>>,
}

type Table = BTreeMap<(Box<str>, Box<str>), Weak<Series>>;

impl Endpoints {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let endpoints = Self {
            table: Arc::default(),
        };
        registry.register(Box::new(EndpointCollector::new(endpoints.clone())?))?;
        Ok(endpoints)
    }

    pub(super) fn endpoint(&self, cluster: &str, endpoint: &str) -> EndpointMetrics {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, series| series.strong_count() > 0);
        let key = (cluster.into(), endpoint.into());
        let series = table.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let series = Arc::new(Series::new(cluster, endpoint));
            table.insert(key, Arc::downgrade(&series));
            series
        });
        EndpointMetrics { series }
    }

    fn living(&self) -> Vec<Arc<Series>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.values().filter_map(Weak::upgrade).collect()
    }
}

/// The metrics of one endpoint. Its series go when the last clone and the last guard are gone.
#[derive(Clone)]
pub struct EndpointMetrics {
    series: Arc<Series>,
}

impl EndpointMetrics {
    /// Counts a session of this endpoint until the guard is dropped.
    #[must_use = "the session counts while the guard lives"]
    pub fn session(&self) -> EndpointSession {
        self.series.sessions.fetch_add(1, Ordering::Relaxed);
        EndpointSession {
            series: Arc::clone(&self.series),
        }
    }

    /// Records a connection that was opened after `took`, and counts it until the guard is dropped.
    #[must_use = "the connection counts while the guard lives"]
    pub fn connected(&self, took: Duration) -> EndpointConnection {
        self.series.connect.observe(took);
        self.series.connections.fetch_add(1, Ordering::Relaxed);
        EndpointConnection {
            series: Arc::clone(&self.series),
        }
    }

    /// Counts a connection that another process has opened, until the guard is dropped.
    #[must_use = "the connection counts while the guard lives"]
    pub fn taken_over(&self) -> EndpointConnection {
        self.series.connections.fetch_add(1, Ordering::Relaxed);
        EndpointConnection {
            series: Arc::clone(&self.series),
        }
    }

    /// Whether there can be another connection, as far as is known.
    #[must_use]
    pub fn has_port(&self) -> bool {
        let ports = self.series.ports.load(Ordering::Relaxed);
        ports == 0 || self.series.connections.load(Ordering::Relaxed) < ports
    }

    /// Says how many connections there can be, if that is known.
    pub fn ports(&self, ports: Option<u32>) {
        self.series
            .ports
            .store(ports.unwrap_or(0), Ordering::Relaxed);
    }

    /// The endpoint has another handshake to answer.
    pub fn handshake_begun(&self) {
        self.series.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// It has answered one, or will not.
    pub fn handshake_over(&self) {
        self.series.pending.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a handshake that waits until the endpoint may be asked.
    pub fn queued(&self) -> Queued<'_> {
        self.series.queued.fetch_add(1, Ordering::Relaxed);
        Queued {
            series: &self.series,
        }
    }

    /// Records that the endpoint gets no new sessions for this long, unless there is nobody else.
    pub fn ejected(&self, reason: Ejection, length: Duration) {
        let mut ejections = self.series.ejections();
        *ejections.counts.entry(reason).or_default() += 1;
        ejections.until = Instant::now().checked_add(length);
    }

    /// Says whether the endpoint is healthy; it is until somebody says otherwise.
    pub fn up(&self, is_up: bool) {
        self.series.is_down.store(!is_up, Ordering::Relaxed);
    }

    /// Says whether the endpoint gets no new sessions because it leaves or is drained.
    pub fn draining(&self, is_draining: bool) {
        self.series
            .is_draining
            .store(is_draining, Ordering::Relaxed);
    }

    /// Counts a probe.
    pub fn probed(&self, result: ProbeResult) {
        let mut probes = self.series.probes();
        *probes.entry(result).or_default() += 1;
    }

    /// Counts a TLS handshake that was completed.
    pub fn tls_completed(&self, version: TlsVersion, resumed: Resumed) {
        self.tls(SHAKEN, version.as_str(), resumed);
    }

    /// Counts a TLS handshake that was not. `reason` is from a closed list.
    pub fn tls_failed(&self, reason: &'static str) {
        self.tls(reason, NO_VERSION, Resumed::No);
    }

    fn tls(&self, result: &'static str, version: &'static str, resumed: Resumed) {
        let mut handshakes = self.series.tls_handshakes();
        let labels = [result, version, resumed.as_str()];
        *handshakes.entry(labels).or_default() += 1;
    }

    /// Counts a failure to connect or to complete an exchange. `reason` is from a closed list.
    pub fn failure(&self, reason: &'static str) {
        let mut failures = self.series.failures();
        *failures.entry(reason).or_default() += 1;
    }
}

/// A session of an endpoint; the gauge falls when this is dropped.
pub struct EndpointSession {
    series: Arc<Series>,
}

impl Drop for EndpointSession {
    fn drop(&mut self) {
        self.series.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection to an endpoint; the gauge falls when this is dropped.
#[derive(Debug)]
pub struct EndpointConnection {
    series: Arc<Series>,
}

impl Drop for EndpointConnection {
    fn drop(&mut self) {
        self.series.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A handshake that waits; the gauge falls when this is dropped.
#[must_use = "it counts while it lives"]
#[derive(Debug)]
pub struct Queued<'a> {
    series: &'a Series,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.series.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Series {
    cluster: Box<str>,
    endpoint: Box<str>,
    sessions: AtomicU64,
    pending: AtomicU32,
    queued: AtomicU32,
    connections: AtomicU32,
    /// Connections that there can be; 0 when that is not known.
    ports: AtomicU32,
    connect: Seconds,
    /// By result, version, and whether it was resumed.
    tls_handshakes: Mutex<BTreeMap<[&'static str; 3], u64>>,
    failures: Mutex<BTreeMap<&'static str, u64>>,
    ejections: Mutex<Ejections>,
    is_down: AtomicBool,
    is_draining: AtomicBool,
    probes: Mutex<BTreeMap<ProbeResult, u64>>,
}

/// What became of an endpoint that failed.
#[derive(Debug, Default)]
struct Ejections {
    counts: BTreeMap<Ejection, u64>,
    /// When the last one ends.
    until: Option<Instant>,
}

impl Series {
    fn new(cluster: &str, endpoint: &str) -> Self {
        Self {
            cluster: cluster.into(),
            endpoint: endpoint.into(),
            sessions: AtomicU64::new(0),
            pending: AtomicU32::new(0),
            queued: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            ports: AtomicU32::new(0),
            connect: Seconds::default(),
            tls_handshakes: Mutex::default(),
            failures: Mutex::default(),
            ejections: Mutex::default(),
            is_down: AtomicBool::new(false),
            is_draining: AtomicBool::new(false),
            probes: Mutex::default(),
        }
    }

    fn probes(&self) -> MutexGuard<'_, BTreeMap<ProbeResult, u64>> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tls_handshakes(&self) -> MutexGuard<'_, BTreeMap<[&'static str; 3], u64>> {
        self.tls_handshakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ejections(&self) -> MutexGuard<'_, Ejections> {
        self.ejections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// 1 while it is ejected, or 0.
    fn is_ejected(&self) -> f64 {
        let until = self.ejections().until;
        f64::from(u8::from(until.is_some_and(|until| until > Instant::now())))
    }

    /// The share of the ports that is in use, where there is a number of them.
    fn ports_used(&self) -> Option<f64> {
        let ports = self.ports.load(Ordering::Relaxed);
        let open = self.connections.load(Ordering::Relaxed);
        (ports > 0).then(|| f64::from(open) / f64::from(ports))
    }

    fn labels(&self) -> [&str; 2] {
        [&self.cluster, &self.endpoint]
    }
}

/// A histogram of durations; many threads may observe.
#[derive(Debug, Default)]
struct Seconds {
    buckets: [AtomicU64; CONNECT_BUCKETS],
    nanos: AtomicU64,
}

impl Seconds {
    fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let index = CONNECT_SECONDS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    fn metric(&self) -> Metric {
        let counts = self
            .buckets
            .each_ref()
            .map(|bucket| bucket.load(Ordering::Relaxed));
        let sum = Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64();
        family::histogram(&CONNECT_SECONDS, &counts, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::proto;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let seconds = Seconds::default();
        seconds.observe(Duration::from_millis(1));
        seconds.observe(Duration::from_micros(1001));
        seconds.observe(Duration::from_secs(6));
        let metric = seconds.metric();
        let counts = metric.get_histogram().get_bucket().iter();
        let counts: Vec<_> = counts.map(proto::Bucket::cumulative_count).collect();
        assert_eq!(counts, [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(metric.get_histogram().get_sample_count(), 3);
    }

    #[test]
    fn endpoints_that_came_and_went_are_forgotten() {
        let endpoints = Endpoints::new(&Registry::new()).expect("a valid family");
        for port in 0..1000 {
            endpoints.endpoint("app", &format!("10.0.0.1:{port}"));
        }
        assert_eq!(endpoints.table.lock().expect("not poisoned").len(), 1);
    }
}
