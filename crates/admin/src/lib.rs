//! The admin listener: metrics, health and readiness, sessions, drains, and what is behind the gateway.
//!
//! It runs on the control runtime, beside the workers and never on them, so a slow scrape costs no session anything. It is not
//! reachable through the public listeners.

mod answer;
mod api;
mod auth;
mod body;
mod channels;
mod close;
mod clusters;
mod drains;
mod filter;
mod publish;
mod query;
mod readiness;
mod reload;
mod router;
mod routes;
mod server;
mod sessions;
#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use switchyard_config::{Secret, Written};
use switchyard_drain::Watch;
use switchyard_push::Push;
use switchyard_telemetry::Metrics;

pub use crate::close::CloseWish;
pub use crate::clusters::{ClusterControl, Surveyor};
pub use crate::drains::{DrainControl, DrainRefused, DrainStage, DrainStatus, DrainWish};
pub use crate::reload::{ReloadOrder, ReloadOrders, ReloadRefused};
pub use crate::routes::{RouteControl, RouteStatus};
pub use crate::server::serve;
pub use crate::sessions::{SessionControl, describing};

/// What the admin API answers from.
pub struct Admin {
    metrics: Metrics,
    watch: Watch,
    token: ArcSwapOption<auth::Token>,
    parts: Parts,
}

/// What there is to ask and to tell.
pub struct Parts {
    /// The clusters.
    pub clusters: ClusterControl,
    /// The sessions.
    pub sessions: SessionControl,
    /// The routes.
    pub routes: RouteControl,
    /// The drains.
    pub drains: Box<dyn DrainControl>,
    /// The configuration in use, as it was written. Asked anew for each request.
    pub config: Box<dyn Fn() -> Written + Send + Sync>,
    /// Where another is ordered.
    pub reload: ReloadOrders,
    /// What is published, and the sessions of other replicas.
    pub push: Push,
    /// Whether every cluster is known that a new process waits for.
    pub is_discovered: Box<dyn Fn() -> bool + Send + Sync>,
    /// A gateway whose bus has been gone for this long is not ready. `None`: it stays ready.
    pub unready_after: Option<Duration>,
}

impl Admin {
    /// An admin API over these parts, that asks for no token.
    pub fn new(metrics: Metrics, watch: Watch, parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            metrics,
            watch,
            token: ArcSwapOption::empty(),
            parts,
        })
    }

    /// With a token, every path but `/healthz` and `/readyz` asks for it from now on as
    /// `Authorization: Bearer TOKEN` (RFC 6750, section 2.1).
    pub fn ask_for(&self, token: Option<&Secret>) {
        self.token.store(token.map(auth::Token::new).map(Arc::new));
    }
}
