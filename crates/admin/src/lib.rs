//! The admin listener: metrics, health and readiness, and what is behind the gateway.
//!
//! It runs on the control runtime, beside the workers and never on them, so a slow scrape costs no session anything. It is not
//! reachable through the public listeners.

mod api;
mod auth;
mod clusters;
mod server;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use switchyard_config::Secret;
use switchyard_drain::Watch;
use switchyard_telemetry::Metrics;

pub use crate::clusters::{ClusterControl, Surveyor};
pub use crate::server::serve;

/// What the admin API answers from.
pub struct Admin {
    metrics: Metrics,
    watch: Watch,
    token: ArcSwapOption<auth::Token>,
    clusters: ClusterControl,
}

impl Admin {
    /// An admin API over these parts, that asks for no token.
    pub fn new(metrics: Metrics, watch: Watch, clusters: ClusterControl) -> Arc<Self> {
        Arc::new(Self {
            metrics,
            watch,
            token: ArcSwapOption::empty(),
            clusters,
        })
    }

    /// With a token, every path but `/healthz` and `/readyz` asks for it from now on as
    /// `Authorization: Bearer TOKEN` (RFC 6750, section 2.1).
    pub fn ask_for(&self, token: Option<&Secret>) {
        self.token.store(token.map(auth::Token::new).map(Arc::new));
    }
}
