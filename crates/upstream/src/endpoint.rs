//! One address in a cluster, as the cluster's settings have it.
//!
//! Not here: what has happened to it (`standing`), and what counts sessions on it (`lease`).

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use arcstr::ArcStr;
use http::StatusCode;
use switchyard_balance::EndpointToken;
use switchyard_discovery::Stance;
use switchyard_telemetry::labels::Ejection;
use switchyard_telemetry::metrics::endpoint::EndpointMetrics;
use switchyard_tls::Application;
use tokio::net::TcpStream;
use tokio::time;

use crate::health::Health;
use crate::pending::Pending;
use crate::roster::Maker;
use crate::sources::Sources;
use crate::standing::Standing;
use crate::stream::Stream;
use crate::tls::{Id, NoTls, Secured, Tls};
use crate::warmup::Warmup;

/// One address in a cluster. Its name, the address as text, is its identity.
///
/// What can happen to it is its standing; what is here was decided by its cluster's settings, and
/// under other settings it is another value of the same standing.
pub struct Endpoint {
    standing: Arc<Standing>,
    /// What an issued cookie says for it.
    token: EndpointToken,
    sources: Sources,
    /// `None`: nothing is encrypted.
    secured: Option<Arc<ArcSwap<Secured>>>,
    pending: Arc<Pending>,
    /// Since when it is given its share little by little.
    warmup: Warmup,
}

impl Endpoint {
    /// One of the cluster that `maker` makes endpoints for; it is `called` so where it was found by
    /// a name.
    pub(crate) fn new(maker: &Maker, address: SocketAddr, called: Option<&str>) -> Self {
        let standing = Standing::new(maker, address);
        standing.call(called);
        let made = Self::again(maker, Arc::new(standing));
        made.settle_in(maker);
        made
    }

    /// One that is known and has no place at the moment.
    pub(crate) fn again(maker: &Maker, standing: Arc<Standing>) -> Self {
        let secured = maker.tls.as_ref().map(|tls| secured(tls, &standing));
        Self::with(
            maker,
            Parts {
                standing,
                secured,
                pending: Arc::new(Pending::new(maker.pending)),
                warmup: Warmup::new(maker.slow_start),
            },
        )
    }

    /// The same endpoint, of the cluster that `maker` makes endpoints for; `former` made this one. What
    /// both would make alike is shared: handshakes that wait, and what TLS remembers.
    pub(crate) fn under(&self, maker: &Maker, former: &Maker) -> Self {
        let address_of = |maker: &Maker| maker.tls.as_ref().map(Arc::as_ptr);
        let secured = match &self.secured {
            kept if address_of(maker) == address_of(former) => kept.clone(),
            _ => maker.tls.as_ref().map(|tls| secured(tls, &self.standing)),
        };
        let pending = if maker.pending == former.pending {
            Arc::clone(&self.pending)
        } else {
            Arc::new(Pending::new(maker.pending))
        };
        Self::with(
            maker,
            Parts {
                standing: Arc::clone(&self.standing),
                secured,
                pending,
                warmup: self.warmup.with_length(maker.slow_start),
            },
        )
    }

    fn with(maker: &Maker, parts: Parts) -> Self {
        let Parts {
            standing,
            secured,
            pending,
            warmup,
        } = parts;
        Self {
            token: EndpointToken::new(&maker.key, &maker.cluster, &standing.name),
            sources: Sources::towards(standing.address, &maker.sources),
            secured,
            pending,
            warmup,
            standing,
        }
    }

    /// From now on it is this one that is in use, and not the same of other settings.
    pub(crate) fn settle_in(&self, maker: &Maker) {
        self.standing.metrics.ports(self.sources.ports());
        self.standing.record.judge_by(maker.outliers.clone());
    }

    /// What can happen to it, whatever its cluster's settings.
    pub(crate) fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Where it is dialled.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.standing.address
    }

    /// The address as text: its identity on every replica, and its metric label.
    #[must_use]
    pub fn name(&self) -> &ArcStr {
        &self.standing.name
    }

    /// Leases that are held now: handshakes in flight and open sessions, over all workers.
    #[must_use]
    pub fn load(&self) -> u32 {
        self.standing.load.load(Ordering::Relaxed)
    }

    /// Leases that are held now with all endpoints of the cluster, also with those that have left it.
    pub(crate) fn load_of_all(&self) -> u32 {
        self.standing.all.load(Ordering::Relaxed)
    }

    /// How much of its weight counts now, in thousandths: all of it, unless it comes back from
    /// somewhere and starts slowly.
    pub(crate) fn warmth(&self, now: Instant) -> NonZeroU32 {
        self.warmup.reached(|| self.standing.record.back(), now)
    }

    /// It starts slowly from now on.
    pub(crate) fn warm_up(&self) {
        self.warmup.begin(Instant::now());
    }

    /// Whether it is to be given no session now, if there is another that can.
    #[must_use]
    pub fn is_left_out(&self, now: Instant) -> bool {
        self.health() == Health::Down || self.standing.record.is_ejected(now)
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
        self.standing.is_drained.load(Ordering::SeqCst)
    }

    /// An operator drains it, or does no longer.
    pub(crate) fn set_drained(&self, is_drained: bool) {
        if self.standing.is_drained.swap(is_drained, Ordering::SeqCst) && !is_drained {
            self.warm_up();
        }
        self.settle();
    }

    /// What discovery says of it.
    #[must_use]
    pub fn stance(&self) -> Stance {
        if self.standing.is_leaving.load(Ordering::SeqCst) {
            Stance::Leaving
        } else {
            Stance::Ready
        }
    }

    /// Discovery says so. Who is ready again keeps its sessions.
    pub(crate) fn set_stance(&self, stance: Stance) {
        let is_leaving = stance == Stance::Leaving;
        if self.standing.is_leaving.swap(is_leaving, Ordering::SeqCst) && !is_leaving {
            self.warm_up();
        }
        self.settle();
    }

    /// Whoever wants sessions keeps those that it has.
    fn settle(&self) {
        let wants_sessions = self.wants_sessions();
        self.standing.metrics.draining(!wants_sessions);
        if wants_sessions {
            self.standing.asks_to_go.store(false, Ordering::SeqCst);
        }
    }

    /// Its sessions are to go, also those that open from now on.
    pub(crate) fn ask_to_go(&self) {
        self.standing.asks_to_go.store(true, Ordering::SeqCst);
    }

    /// Whether a session that has just opened is to go at once: the handshake was under way when the
    /// endpoint left.
    #[must_use]
    pub fn asks_to_go(&self) -> bool {
        self.standing.asks_to_go.load(Ordering::SeqCst)
    }

    /// Whether it works, as far as probes can tell.
    #[must_use]
    pub fn health(&self) -> Health {
        match self.standing.health.load(Ordering::Relaxed) {
            up if up == Health::Up as u8 => Health::Up,
            down if down == Health::Down as u8 => Health::Down,
            _ => Health::Unknown,
        }
    }

    pub(crate) fn set_health(&self, health: Health) {
        let before = self.standing.health.swap(health as u8, Ordering::Relaxed);
        if before == Health::Down as u8 && health == Health::Up {
            self.warm_up();
        }
        self.standing.metrics.up(health != Health::Down);
    }

    /// It answered a request, whatever it answered.
    pub(crate) fn answered(&self) {
        self.standing.record.answered();
    }

    /// It did not answer, or not in a way that makes sense.
    pub(crate) fn failed(&self) {
        self.judge(self.standing.record.failed());
    }

    /// It answered a handshake with something other than 101.
    pub(crate) fn declined(&self, status: StatusCode) {
        if status.is_server_error() {
            self.judge(self.standing.record.refused());
        } else {
            self.standing.record.took_handshake();
        }
    }

    pub(crate) fn judge(&self, ejected: Option<(Ejection, Duration)>) {
        let Some((reason, length)) = ejected else {
            return;
        };
        let for_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            endpoint = %self.standing.name,
            reason = reason.as_str(),
            for_ms,
            "ejected: it gets no new sessions for a while"
        );
        self.standing.metrics.ejected(reason, length);
    }

    pub(crate) fn token(&self) -> &EndpointToken {
        &self.token
    }

    /// It is found under this name now. Where that is another one it has to show another, and
    /// connections that were made under the old one are not used again.
    pub(crate) fn is_called(&self, maker: &Maker, called: Option<&str>) {
        self.standing.call(called);
        let (Some(tls), Some(secured)) = (&maker.tls, &self.secured) else {
            return;
        };
        let ip = self.standing.address.ip();
        if tls.expected(ip, called) != *secured.load().name() {
            secured.store(Arc::new(tls.towards(ip, called)));
        }
    }

    /// Tells apart connections that were secured under different conditions; `None` where none is.
    pub(crate) fn security(&self) -> Option<Id> {
        Some(self.secured.as_ref()?.load().id())
    }

    /// Whether connections to it are encrypted.
    pub(crate) fn is_secured(&self) -> bool {
        self.secured.is_some()
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
        let securing = secured.secure(
            tcp,
            deadline,
            application,
            &self.standing.name,
            &self.standing.metrics,
        );
        Box::pin(securing).await
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Whether it has as many leases as it may, or as many handshakes wait for it.
    pub(crate) fn is_full(&self, max_sessions: Option<u32>) -> bool {
        max_sessions.is_some_and(|most| self.load() >= most) || self.pending.is_overrun()
    }

    /// Whether there is a port left to dial it from, as far as this process uses them.
    pub(crate) fn has_port(&self) -> bool {
        self.standing.metrics.has_port()
    }

    pub(crate) fn pending(&self) -> &Pending {
        &self.pending
    }

    pub(crate) fn metrics(&self) -> &EndpointMetrics {
        &self.standing.metrics
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.standing.name)
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

/// What an endpoint of a maker's has of its own.
struct Parts {
    standing: Arc<Standing>,
    secured: Option<Arc<ArcSwap<Secured>>>,
    pending: Arc<Pending>,
    warmup: Warmup,
}

fn secured(tls: &Tls, standing: &Standing) -> Arc<ArcSwap<Secured>> {
    let towards = tls.towards(standing.address.ip(), standing.called().as_deref());
    Arc::new(ArcSwap::from_pointee(towards))
}
