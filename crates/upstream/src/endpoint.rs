//! One address in a cluster, and the guard that counts a session on it.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::StatusCode;
use switchyard_balance::EndpointToken;
use switchyard_discovery::Stance;
use switchyard_telemetry::labels::Ejection;
use switchyard_telemetry::metrics::endpoint::{EndpointMetrics, EndpointSession};
use switchyard_tls::Application;
use tokio::net::TcpStream;
use tokio::time;

use crate::health::Health;
use crate::outlier::{End, Record};
use crate::pending::{Pending, Refusal};
use crate::roster::Maker;
use crate::sources::Sources;
use crate::stream::Stream;
use crate::tls::{Id, NoTls, Secured, Tls};
use crate::warmup::Warmup;

/// One address in a cluster. Its name, the address as text, is its identity.
pub struct Endpoint {
    address: SocketAddr,
    name: Arc<str>,
    /// What an issued cookie says for it.
    token: EndpointToken,
    /// Handshakes in flight and open sessions, over all workers.
    load: AtomicU32,
    /// The same of all endpoints of the cluster, those among them that have left.
    all: Arc<AtomicU32>,
    sources: Sources,
    /// `None`: nothing is encrypted.
    secured: Option<ArcSwap<Secured>>,
    pending: Pending,
    /// A [`Health`], as probes see it.
    health: AtomicU8,
    /// Whether discovery says that it is on its way out, or it has left.
    is_leaving: AtomicBool,
    /// Whether an operator drains it.
    is_drained: AtomicBool,
    /// Whether its sessions are to go.
    asks_to_go: AtomicBool,
    /// Since when it is given its share little by little.
    warmup: Warmup,
    /// What it did wrong.
    record: Record,
    metrics: EndpointMetrics,
}

impl Endpoint {
    /// One of the cluster that `maker` makes endpoints for; it is `called` so where it was found by
    /// a name.
    pub(crate) fn new(maker: &Maker, address: SocketAddr, called: Option<&str>) -> Self {
        let name: Arc<str> = address.to_string().into();
        let sources = Sources::towards(address, &maker.sources);
        let metrics = maker.metrics.endpoint(&maker.cluster, &name);
        metrics.ports(sources.ports());
        let towards = |tls: &Tls| tls.towards(address.ip(), called);
        let secured = maker.tls.as_ref().map(towards);
        Self {
            address,
            token: EndpointToken::new(&maker.key, &maker.cluster, &name),
            load: AtomicU32::new(0),
            all: Arc::clone(&maker.load),
            sources,
            secured: secured.map(ArcSwap::from_pointee),
            pending: Pending::new(maker.pending),
            is_leaving: AtomicBool::new(false),
            is_drained: AtomicBool::new(false),
            asks_to_go: AtomicBool::new(false),
            health: AtomicU8::new(Health::Unknown as u8),
            warmup: Warmup::new(maker.slow_start),
            record: Record::new(maker.outliers.clone()),
            metrics,
            name,
        }
    }

    /// Where it is dialled.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as text: its identity on every replica, and its metric label.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Leases that are held now: handshakes in flight and open sessions, over all workers.
    #[must_use]
    pub fn load(&self) -> u32 {
        self.load.load(Ordering::Relaxed)
    }

    /// Leases that are held now with all endpoints of the cluster, also with those that have left it.
    pub(crate) fn load_of_all(&self) -> u32 {
        self.all.load(Ordering::Relaxed)
    }

    /// Counts a handshake, and the session it may become, until the lease is dropped.
    ///
    /// It counts from the moment the endpoint is chosen, so that a burst of handshakes spreads.
    pub fn lease(self: &Arc<Self>) -> Lease {
        self.load.fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
        Lease {
            endpoint: Arc::clone(self),
            session: None,
        }
    }

    /// How much of its weight counts now, in thousandths: all of it, unless it comes back from
    /// somewhere and starts slowly.
    pub(crate) fn warmth(&self, now: Instant) -> NonZeroU32 {
        self.warmup.reached(|| self.record.back(), now)
    }

    /// It starts slowly from now on.
    pub(crate) fn warm_up(&self) {
        self.warmup.begin(Instant::now());
    }

    /// Whether it is to be given no session now, if there is another that can.
    #[must_use]
    pub fn is_left_out(&self, now: Instant) -> bool {
        self.health() == Health::Down || self.record.is_ejected(now)
    }

    /// Whether it is to be given sessions now.
    pub(crate) fn takes_sessions(&self, now: Instant) -> bool {
        self.wants_sessions() && !self.is_left_out(now)
    }

    /// Whether it wants new sessions: nobody drains it and it does not leave. One that does not is given
    /// none, even if there is no other.
    #[must_use]
    pub fn wants_sessions(&self) -> bool {
        !self.is_drained() && self.stance() == Stance::Ready
    }

    /// Whether an operator drains it.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_drained.load(Ordering::SeqCst)
    }

    /// An operator drains it, or does no longer.
    pub(crate) fn set_drained(&self, is_drained: bool) {
        if self.is_drained.swap(is_drained, Ordering::SeqCst) && !is_drained {
            self.warm_up();
        }
        self.settle();
    }

    /// What discovery says of it.
    #[must_use]
    pub fn stance(&self) -> Stance {
        if self.is_leaving.load(Ordering::SeqCst) {
            Stance::Leaving
        } else {
            Stance::Ready
        }
    }

    /// Discovery says so. Who is ready again keeps its sessions.
    pub(crate) fn set_stance(&self, stance: Stance) {
        let is_leaving = stance == Stance::Leaving;
        if self.is_leaving.swap(is_leaving, Ordering::SeqCst) && !is_leaving {
            self.warm_up();
        }
        self.settle();
    }

    /// Whoever wants sessions keeps those that it has.
    fn settle(&self) {
        let wants_sessions = self.wants_sessions();
        self.metrics.draining(!wants_sessions);
        if wants_sessions {
            self.asks_to_go.store(false, Ordering::SeqCst);
        }
    }

    /// Its sessions are to go, also those that open from now on.
    pub(crate) fn ask_to_go(&self) {
        self.asks_to_go.store(true, Ordering::SeqCst);
    }

    /// Whether a session that has just opened is to go at once: the handshake was under way when the
    /// endpoint left.
    #[must_use]
    pub fn asks_to_go(&self) -> bool {
        self.asks_to_go.load(Ordering::SeqCst)
    }

    /// Whether it works, as far as probes can tell.
    #[must_use]
    pub fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            up if up == Health::Up as u8 => Health::Up,
            down if down == Health::Down as u8 => Health::Down,
            _ => Health::Unknown,
        }
    }

    pub(crate) fn set_health(&self, health: Health) {
        let before = self.health.swap(health as u8, Ordering::Relaxed);
        if before == Health::Down as u8 && health == Health::Up {
            self.warm_up();
        }
        self.metrics.up(health != Health::Down);
    }

    /// It answered a request, whatever it answered.
    pub(crate) fn answered(&self) {
        self.record.answered();
    }

    /// It did not answer, or not in a way that makes sense.
    pub(crate) fn failed(&self) {
        self.judge(self.record.failed());
    }

    /// It answered a handshake with something other than 101.
    pub(crate) fn declined(&self, status: StatusCode) {
        if status.is_server_error() {
            self.judge(self.record.refused());
        } else {
            self.record.took_handshake();
        }
    }

    fn judge(&self, ejected: Option<(Ejection, Duration)>) {
        let Some((reason, length)) = ejected else {
            return;
        };
        let for_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            endpoint = %self.name,
            reason = reason.as_str(),
            for_ms,
            "ejected: it gets no new sessions for a while"
        );
        self.metrics.ejected(reason, length);
    }

    pub(crate) fn token(&self) -> &EndpointToken {
        &self.token
    }

    /// It is found under this name now. Where that is another one it has to show another, and
    /// connections that were made under the old one are not used again.
    pub(crate) fn is_called(&self, maker: &Maker, called: Option<&str>) {
        let (Some(tls), Some(secured)) = (&maker.tls, &self.secured) else {
            return;
        };
        let ip = self.address.ip();
        if tls.expected(ip, called) != *secured.load().name() {
            secured.store(Arc::new(tls.towards(ip, called)));
        }
    }

    /// Tells apart connections that were secured under different conditions; `None` where none is.
    pub(crate) fn security(&self) -> Option<Id> {
        Some(self.secured.as_ref()?.load().id())
    }

    /// Makes of a connection to it what it is spoken to on: with TLS, where the cluster has it.
    pub(crate) async fn secure(
        &self,
        tcp: TcpStream,
        deadline: time::Instant,
        application: Application,
    ) -> Result<Stream, NoTls> {
        let Some(secured) = &self.secured else {
            return Ok(Stream::Plain(tcp));
        };
        let secured = secured.load_full();
        // On the heap: who dials without TLS is no larger for it.
        let securing = secured.secure(tcp, deadline, application, &self.name, &self.metrics);
        Box::pin(securing).await
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Waits until it may be sent a handshake, which counts until the place is dropped.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Place, Refusal> {
        self.pending.enter(&self.metrics).await?;
        self.metrics.handshake_begun();
        Ok(Place(Arc::clone(self)))
    }

    /// Whether it has as many leases as it may, or as many handshakes wait for it.
    pub(crate) fn is_full(&self, max_sessions: Option<u32>) -> bool {
        max_sessions.is_some_and(|most| self.load() >= most) || self.pending.is_overrun()
    }

    /// Whether there is a port left to dial it from, as far as this process uses them.
    pub(crate) fn has_port(&self) -> bool {
        self.metrics.has_port()
    }

    pub(crate) fn metrics(&self) -> &EndpointMetrics {
        &self.metrics
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

/// A handshake that an endpoint has not answered yet.
#[must_use = "the handshake counts while it is held"]
pub(crate) struct Place(Arc<Endpoint>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.metrics.handshake_over();
        self.0.pending.leave();
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
        self.session = Some(self.endpoint.metrics.session());
        self.endpoint.record.took_handshake();
        self
    }

    /// Gives it back, and holds how the session ended against the endpoint where it is to blame.
    pub fn end(self, end: End) {
        self.endpoint.judge(self.endpoint.record.ended(end));
    }

    /// Whose it is.
    #[must_use]
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.endpoint.load.fetch_sub(1, Ordering::Relaxed);
        self.endpoint.all.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("endpoint", &self.endpoint.name)
            .finish_non_exhaustive()
    }
}
