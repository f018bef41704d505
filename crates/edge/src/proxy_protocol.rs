//! Listeners whose connections begin with a PROXY header: who is believed, and for how long it is
//! waited.
//!
//! A header gives a connection another address: in the log, in affinity, before endpoints. So it is taken
//! from trusted peers alone, and who is not one is closed without being heard. Not here: what headers look
//! like (`proto`), and how one is read without what follows it (`read`).

mod read;

use std::net::SocketAddr;
use std::sync::Arc;

use switchyard_config::{self as config, AcceptProxy};
use switchyard_drain::{Phase, Watch};
use switchyard_proto::proxy_protocol::{Accepts, Fault, Header, Source, Tls, Version};
use switchyard_telemetry::Metrics;
use switchyard_telemetry::labels::ProxyHeader;
use switchyard_telemetry::metrics::proxy_protocol::ProxyProtocolMetrics;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::accept;
use crate::client_address::is_trusted;
use crate::forward::Scheme;
use crate::origin::Origin;
use crate::seat::Seat;
use crate::worker::Worker;

/// What is passed on of the version of a client's TLS; another text is as good as none.
const TLS_VERSIONS: [&str; 4] = ["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"];

/// What a listener expects its connections to begin with.
pub(crate) struct ProxyProtocol {
    accepts: Accepts,
    metrics: ProxyProtocolMetrics,
}

/// Why a connection is closed before it is served.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    #[error("the peer is not one of the trusted proxies")]
    Untrusted,
    #[error("no whole PROXY header in time")]
    Late,
    #[error("the gateway ended")]
    Cut,
    #[error("the connection ended: {0}")]
    Gone(#[from] std::io::Error),
    #[error(transparent)]
    Faulty(#[from] Fault),
}

impl ProxyProtocol {
    /// What `listener` expects, if anything.
    pub(crate) fn new(listener: &config::Listener, metrics: &Metrics) -> Option<Self> {
        let accepts = match listener.proxy_protocol {
            AcceptProxy::Off => return None,
            AcceptProxy::V1 => Accepts::Only(Version::V1),
            AcceptProxy::V2 => Accepts::Only(Version::V2),
            AcceptProxy::Any => Accepts::Any,
        };
        let metrics = metrics.proxy_protocol(&listener.name);
        Some(Self { accepts, metrics })
    }

    /// Hears from `peer` whose connection it is, and has it served as such. The time for a head runs
    /// from here on.
    pub(crate) async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        seat: Seat,
        worker: Arc<Worker>,
    ) {
        let due = Instant::now() + seat.listener().settings.load().handshake_timeout;
        match self.hear(&stream, peer, due, &worker).await {
            Ok(Some(origin)) => accept::welcome(stream, origin, Some(due), seat, &worker),
            Ok(None) => {}
            Err(unheard) => {
                let result = unheard.label();
                self.metrics.began_with(result);
                tracing::debug!(
                    listener = %seat.listener().name,
                    %peer,
                    result = result.as_str(),
                    error = %unheard,
                    "no PROXY header"
                );
            }
        }
    }

    /// Where the connection comes from; `None` when the proxy only wanted to see whether anybody is there.
    async fn hear(
        &self,
        stream: &TcpStream,
        peer: SocketAddr,
        due: Instant,
        worker: &Worker,
    ) -> Result<Option<Origin>, Unheard> {
        if !is_trusted(
            peer.ip().to_canonical(),
            &worker.snapshot.load().trusted_proxies,
        ) {
            return Err(Unheard::Untrusted);
        }
        let reading = read::header(stream, self.accepts);
        let bytes = within(due, &worker.watch, reading).await??;
        let header = Header::parse(&bytes)?;
        self.metrics.began_with(label(&header));
        note(peer, &header);
        if let Some(origin) = told(&header) {
            return Ok(Some(origin));
        }
        let first = within(due, &worker.watch, stream.peek(&mut [0])).await;
        Ok(matches!(first, Ok(Ok(1))).then(|| Origin::of(stream, peer, worker)))
    }
}

/// What comes of `future`, if it comes in time.
async fn within<T>(
    due: Instant,
    watch: &Watch,
    future: impl Future<Output = T>,
) -> Result<T, Unheard> {
    tokio::select! {
        done = timeout_at(due, future) => done.map_err(|_elapsed| Unheard::Late),
        () = watch.reached(Phase::Cut) => Err(Unheard::Cut),
    }
}

/// Where a connection comes from, if `header` says so.
fn told(header: &Header<'_>) -> Option<Origin> {
    let Source::Told {
        client,
        destination,
    } = header.source
    else {
        return None;
    };
    let tls = header.extras.tls;
    Some(Origin {
        client,
        local: Some(destination),
        scheme: tls.map_or(Scheme::Http, |_| Scheme::Https),
        tls_version: tls.and_then(version),
    })
}

fn version(tls: Tls<'_>) -> Option<&'static str> {
    let said = tls.version?;
    TLS_VERSIONS
        .into_iter()
        .find(|known| known.as_bytes() == said)
}

fn label(header: &Header<'_>) -> ProxyHeader {
    match (header.source, header.version) {
        (Source::Local | Source::Unknown, _) => ProxyHeader::Local,
        (Source::Told { .. }, Version::V1) => ProxyHeader::V1,
        (Source::Told { .. }, Version::V2) => ProxyHeader::V2,
    }
}

impl Unheard {
    fn label(&self) -> ProxyHeader {
        match self {
            Self::Untrusted => ProxyHeader::Untrusted,
            Self::Late => ProxyHeader::Timeout,
            Self::Cut => ProxyHeader::Cut,
            Self::Gone(_) => ProxyHeader::Gone,
            Self::Faulty(Fault::Missing) => ProxyHeader::Missing,
            Self::Faulty(Fault::Version) => ProxyHeader::Version,
            Self::Faulty(Fault::TooLong) => ProxyHeader::TooLong,
            Self::Faulty(Fault::Malformed(_)) => ProxyHeader::Malformed,
        }
    }
}

/// What a proxy says beside the address is for the log alone.
fn note(peer: SocketAddr, header: &Header<'_>) {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.escape_ascii().to_string());
    let tls = header.extras.tls;
    tracing::debug!(
        %peer,
        source = ?header.source,
        authority = text(header.extras.authority),
        unique_id = text(header.extras.unique_id),
        tls = text(tls.and_then(|tls| tls.version)),
        common_name = text(tls.and_then(|tls| tls.common_name)),
        certificate = tls.map(|tls| tracing::field::debug(tls.certificate)),
        "PROXY header"
    );
}
