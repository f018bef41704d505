//! What an operator sees of the gateway: metrics, the log and the access log.
//!
//! Counts and lines only. What they mean is decided by the crates that report them: no handle in
//! here knows a socket, a frame or a configuration. Handles are passed in, never looked up in a
//! global, and label values are closed types or names that an operator wrote.

pub mod access;
pub mod labels;
pub mod log;
pub mod metrics;

mod error;
mod panics;
mod spelled;

pub use error::Error;
pub use metrics::bus::BusMetrics;
pub use metrics::cluster::ClusterMetrics;
pub use metrics::drain::DrainMetrics;
pub use metrics::endpoint::{EndpointMetrics, EndpointSession};
pub use metrics::listener::ListenerMetrics;
pub use metrics::push::PushMetrics;
pub use metrics::route::RouteMetrics;
pub use metrics::traffic::{CountedSession, RouteTraffic, WorkerMetrics};
pub use metrics::upgrade::UpgradeMetrics;
pub use metrics::worker::{Served, WorkerLoad};
pub use metrics::{Build, Metrics};
pub use panics::Panics;
pub use spelled::Spelled;
