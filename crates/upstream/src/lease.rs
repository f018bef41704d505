//! What counts on an endpoint: a handshake that it has not answered, and a session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use switchyard_telemetry::metrics::endpoint::EndpointSession;

use crate::endpoint::Endpoint;
use crate::outlier::End;
use crate::pending::Refusal;

impl Endpoint {
    /// Counts a handshake, and the session it may become, until the lease is dropped.
    ///
    /// It counts from the moment the endpoint is chosen, so that a burst of handshakes spreads.
    pub fn lease(self: &Arc<Self>) -> Lease {
        self.standing().load.fetch_add(1, Ordering::Relaxed);
        self.standing().all.fetch_add(1, Ordering::Relaxed);
        Lease {
            endpoint: Arc::clone(self),
            session: None,
        }
    }

    /// Waits until it may be sent a handshake, which counts until the place is dropped.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Place, Refusal> {
        self.pending().enter(&self.standing().metrics).await?;
        self.standing().metrics.handshake_begun();
        Ok(Place(Arc::clone(self)))
    }
}

/// A handshake that an endpoint has not answered yet.
#[must_use = "the handshake counts while it is held"]
pub(crate) struct Place(Arc<Endpoint>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.standing().metrics.handshake_over();
        self.0.pending().leave();
    }
}

/// A share of an endpoint's load; given back on drop.
#[must_use = "the endpoint counts it while it is held"]
pub struct Lease {
    endpoint: Arc<Endpoint>,
    session: Option<EndpointSession>,
}

impl Lease {
    /// The handshake became a session: it counts in the endpoint's session gauge from here on.
    pub(crate) fn opened(mut self) -> Self {
        self.session = Some(self.endpoint.standing().metrics.session());
        self.endpoint.standing().record.took_handshake();
        self
    }

    /// It is that of a session that another process has opened: it counts in the endpoint's session gauge
    /// from here on, and as no handshake.
    pub(crate) fn taken_over(mut self) -> Self {
        self.session = Some(self.endpoint.standing().metrics.session());
        self
    }

    /// Gives it back, and holds how the session ended against the endpoint where it is to blame.
    pub fn end(self, end: End) {
        self.endpoint
            .judge(self.endpoint.standing().record.ended(end));
    }

    /// Whose it is.
    #[must_use]
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.endpoint
            .standing()
            .load
            .fetch_sub(1, Ordering::Relaxed);
        self.endpoint.standing().all.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("endpoint", &self.endpoint.standing().name)
            .finish_non_exhaustive()
    }
}
