//! How an endpoint stands: what has happened to it, whatever the settings of its cluster.
//!
//! It outlives its place in a roster as long as there are sessions, and the settings that it was made
//! under: an endpoint that stays through a change of the configuration keeps its load and its health.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};
use std::sync::{Arc, Mutex, PoisonError};

use arcstr::ArcStr;
use switchyard_telemetry::metrics::endpoint::EndpointMetrics;

use crate::health::Health;
use crate::outlier::Record;
use crate::roster::Maker;

/// See the module.
pub(crate) struct Standing {
    pub(crate) address: SocketAddr,
    pub(crate) name: ArcStr,
    /// Handshakes in flight and open sessions, over all workers.
    pub(crate) load: AtomicU32,
    /// The same of all endpoints of the cluster, those among them that have left.
    pub(crate) all: Arc<AtomicU32>,
    /// A [`Health`], as probes see it.
    pub(crate) health: AtomicU8,
    /// Whether discovery says that it is on its way out, or it has left.
    pub(crate) is_leaving: AtomicBool,
    /// Whether an operator drains it.
    pub(crate) is_drained: AtomicBool,
    /// Whether its sessions are to go.
    pub(crate) asks_to_go: AtomicBool,
    /// What it did wrong.
    pub(crate) record: Record,
    pub(crate) metrics: EndpointMetrics,
    /// By what name it was found, if by one.
    called: Mutex<Option<Box<str>>>,
}

impl Standing {
    /// Of one that has just been heard of.
    pub(crate) fn new(maker: &Maker, address: SocketAddr) -> Self {
        let name: ArcStr = address.to_string().into();
        Self {
            address,
            load: AtomicU32::new(0),
            all: Arc::clone(&maker.load),
            health: AtomicU8::new(Health::Unknown as u8),
            is_leaving: AtomicBool::new(false),
            is_drained: AtomicBool::new(false),
            asks_to_go: AtomicBool::new(false),
            record: Record::new(maker.outliers.clone()),
            metrics: maker.metrics.endpoint(&maker.cluster, &name),
            called: Mutex::default(),
            name,
        }
    }

    /// By what name it was found last, if by one.
    pub(crate) fn called(&self) -> Option<Box<str>> {
        let called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        called.clone()
    }

    /// It was found by this name.
    pub(crate) fn call(&self, name: Option<&str>) {
        let mut called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        if called.as_deref() != name {
            *called = name.map(Into::into);
        }
    }
}
