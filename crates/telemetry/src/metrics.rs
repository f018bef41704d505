//! The metrics registry and the handles that other crates count with.
//!
//! Every handle is resolved once, by name, and then costs an atomic or less. What is counted for
//! each frame does not come through here at all: see [`traffic`].

pub mod bus;
pub mod cluster;
pub mod config;
pub mod drain;
pub mod endpoint;
pub mod listener;
pub mod proxy_protocol;
pub mod push;
pub mod route;
pub mod tls;
pub mod traffic;
pub mod upgrade;
pub mod worker;

mod access_file;
mod family;
mod process;

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{Registry, TextEncoder};

use crate::Error;
use crate::Panics;
use crate::labels::BusKind;
use crate::log::{AccessFileCounts, DroppedLines};
use bus::BusMetrics;
use cluster::{ClusterMetrics, ClusterVecs};
use config::ConfigMetrics;
use drain::DrainMetrics;
use endpoint::{EndpointMetrics, Endpoints};
use listener::{ListenerMetrics, ListenerVecs};
use proxy_protocol::{ProxyProtocolMetrics, ProxyProtocolVecs};
use push::PushMetrics;
use route::{RouteMetrics, RouteVecs};
use tls::{TlsMetrics, TlsVecs};
use traffic::{WorkerMetrics, Workers};
use upgrade::UpgradeMetrics;
use worker::{WorkerLoad, WorkerVecs};

/// The content type of [`Metrics::render`]: the text exposition format, version 0.0.4.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What this binary was built from, for `switchyard_build_info`.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// The version of the package, as in `0.1.0`.
    pub version: &'a str,
    /// The revision of the sources, or `unknown`.
    pub revision: &'a str,
    /// The version of the compiler, or `unknown`.
    pub rustc: &'a str,
}

/// Every metric of this process. Clones share the same counts.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    listeners: ListenerVecs,
    proxy_protocol: ProxyProtocolVecs,
    tls: TlsVecs,
    routes: RouteVecs,
    endpoints: Endpoints,
    clusters: ClusterVecs,
    workers: Workers,
    loads: WorkerVecs,
    drain: DrainMetrics,
    config: ConfigMetrics,
    upgrade: UpgradeMetrics,
}

impl Metrics {
    /// Registers every metric. Fails only if two of them collide.
    pub fn new(build: Build<'_>) -> Result<Self, Error> {
        let registry = Registry::new();
        process::register(&registry, build)?;
        let inner = Inner {
            listeners: ListenerVecs::new(&registry)?,
            proxy_protocol: ProxyProtocolVecs::new(&registry)?,
            tls: TlsVecs::new(&registry)?,
            routes: RouteVecs::new(&registry)?,
            endpoints: Endpoints::new(&registry)?,
            clusters: ClusterVecs::new(&registry)?,
            workers: Workers::new(&registry)?,
            loads: WorkerVecs::new(&registry)?,
            drain: DrainMetrics::new(&registry)?,
            config: ConfigMetrics::new(&registry)?,
            upgrade: UpgradeMetrics::new(&registry)?,
            registry,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Every metric in the text exposition format; see [`CONTENT_TYPE`].
    pub fn render(&self) -> Result<String, Error> {
        Ok(TextEncoder::new().encode_to_string(&self.inner.registry.gather())?)
    }

    /// Shows the log lines that were dropped. Once for each log: there is one a process.
    pub fn count_dropped_lines(&self, lines: DroppedLines) -> Result<(), Error> {
        Ok(process::register_dropped_lines(
            &self.inner.registry,
            lines,
        )?)
    }

    /// Shows how often this process failed. Once for a process.
    pub fn count_panics(&self, panics: Panics) -> Result<(), Error> {
        Ok(process::register_panics(&self.inner.registry, panics)?)
    }

    /// Shows what becomes of the access log's file, if it ever has one. Once for each log.
    pub fn count_access_file(&self, file: AccessFileCounts) -> Result<(), Error> {
        Ok(access_file::register(&self.inner.registry, file)?)
    }

    /// The metrics of published messages. Once a process, which has one bus.
    ///
    /// # Errors
    /// It was called before.
    pub fn push(&self, bus: BusKind) -> Result<PushMetrics, Error> {
        let workers = self.inner.workers.clone();
        Ok(PushMetrics::new(&self.inner.registry, workers, bus)?)
    }

    /// The metrics of the bus. Once a process, which has one.
    ///
    /// # Errors
    /// It was called before.
    pub fn bus(&self, bus: BusKind) -> Result<BusMetrics, Error> {
        Ok(BusMetrics::new(&self.inner.registry, bus)?)
    }

    /// The metrics of a listener, by the name it has in the configuration.
    pub fn listener(&self, name: &str) -> ListenerMetrics {
        self.inner.listeners.listener(name)
    }

    /// The metrics of a listener's PROXY headers, by the name the listener has in the configuration.
    pub fn proxy_protocol(&self, listener: &str) -> ProxyProtocolMetrics {
        self.inner.proxy_protocol.listener(listener)
    }

    /// The metrics of a listener's TLS, by the name the listener has in the configuration. Only
    /// for one that ends TLS: its series are there from now on.
    pub fn tls(&self, listener: &str) -> TlsMetrics {
        self.inner.tls.listener(listener)
    }

    /// The metrics of a route, by the name it has in the configuration.
    pub fn route(&self, name: &str) -> RouteMetrics {
        self.inner.routes.route(name)
    }

    /// The metrics of an endpoint. Its series are shown while a handle or a session guard lives.
    pub fn endpoint(&self, cluster: &str, endpoint: &str) -> EndpointMetrics {
        self.inner.endpoints.endpoint(cluster, endpoint)
    }

    /// The metrics of a cluster, by the name it has in the configuration.
    pub fn cluster(&self, name: &str) -> ClusterMetrics {
        self.inner.clusters.cluster(name)
    }

    /// The traffic counts of one worker. Call it once a worker, from that worker.
    pub fn worker(&self) -> WorkerMetrics {
        self.inner.workers.worker()
    }

    /// How many connections a worker has, by its number.
    pub fn worker_load(&self, index: usize) -> WorkerLoad {
        self.inner.loads.worker(index)
    }

    /// The metrics of reading the configuration.
    pub fn config(&self) -> &ConfigMetrics {
        &self.inner.config
    }

    /// The metrics of upgrades of the binary.
    pub fn upgrade(&self) -> &UpgradeMetrics {
        &self.inner.upgrade
    }

    /// The metrics of leaving.
    pub fn drain(&self) -> &DrainMetrics {
        &self.inner.drain
    }
}

/// Registers a collector and hands it back: its clones share the counts.
fn registered<C>(registry: &Registry, collector: C) -> prometheus::Result<C>
where
    C: Collector + Clone + 'static,
{
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

#[cfg(test)]
mod tests;
