//! An address that the gateway accepts on.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// An address that the gateway accepts on, with its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Unique among the listeners.
    pub name: Arc<str>,
    /// Port 0 lets the system choose.
    pub address: SocketAddr,
    /// Connections accepted at the same time, over all workers.
    pub max_connections: NonZeroU32,
    /// A request head must be complete this long after its connection, or the one before it.
    pub handshake_timeout: Duration,
}
