//! Listeners that end TLS: what they show, and the handshake of each connection before its HTTP.
//!
//! How TLS itself is done is `switchyard_tls`'s; what is served inside is the same as without.

use std::collections::HashMap;
use std::sync::Arc;

use switchyard_config as config;
use switchyard_drain::Phase;
use switchyard_telemetry::Metrics;
use switchyard_telemetry::labels::{Resumed, TlsVersion};
use switchyard_telemetry::metrics::tls::TlsMetrics;
use switchyard_tls::{self as tls, Acceptor, Application, File, Handshake, Identity, TlsStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::http1;
use crate::http2;
use crate::io::Seated;
use crate::seat::Seat;
use crate::snapshot::SnapshotError;

/// The client let its time pass.
const TIMED_OUT: &str = "timeout";

/// The gateway ended before the handshake did.
const CUT: &str = "cut";

/// How a listener ends TLS.
pub(crate) struct Tls {
    acceptor: Acceptor,
    metrics: TlsMetrics,
}

/// Those of the listeners that end TLS, by name.
pub(crate) type TlsListeners = HashMap<Arc<str>, Arc<Tls>>;

/// Puts together what the listeners show.
pub(crate) fn listeners(
    listeners: &[config::Listener],
    metrics: &Metrics,
) -> Result<TlsListeners, SnapshotError> {
    let mut found = HashMap::new();
    for listener in listeners {
        let Some(settings) = &listener.tls else {
            continue;
        };
        let acceptor = acceptor(settings).map_err(|source| SnapshotError::Tls {
            listener: Arc::clone(&listener.name),
            source,
        })?;
        let acceptor = match listener.http2 {
            Some(_) => acceptor.with_http2(),
            None => acceptor,
        };
        let metrics = metrics.tls(&listener.name);
        let tls = Arc::new(Tls { acceptor, metrics });
        found.insert(Arc::clone(&listener.name), tls);
    }
    Ok(found)
}

fn acceptor(settings: &config::Tls) -> Result<Acceptor, tls::Error> {
    let identities: Result<Vec<_>, _> = settings.certificates.iter().map(identity).collect();
    let oldest = match settings.min_version {
        config::TlsVersion::Tls12 => tls::Oldest::Tls12,
        config::TlsVersion::Tls13 => tls::Oldest::Tls13,
    };
    Acceptor::new(&identities?, oldest)
}

fn identity(certificate: &config::Certificate) -> Result<Identity, tls::Error> {
    Identity::parse(file(&certificate.cert), file(&certificate.key))
}

fn file(file: &config::PemFile) -> File<'_> {
    File {
        path: &file.path,
        content: file.content.expose(),
    }
}

/// Does the handshake of a connection, and serves what is inside.
///
/// The time for a head runs from the first byte on, so the handshake is part of it. A client that
/// fails is counted and is no reason to wake anyone.
///
/// `due` is when all that must be done, where its time began before this is called.
pub(crate) async fn serve(
    tcp: TcpStream,
    seat: Seat,
    tls: Arc<Tls>,
    connection: Arc<Connection>,
    due: Option<Instant>,
) {
    let begun = Instant::now();
    let due = due.unwrap_or(begun + connection.listener.handshake_timeout);
    let watch = connection.worker.watch.clone();
    let shaken = tokio::select! {
        shaken = handshake(tcp, &tls, &connection, due) => shaken,
        () = watch.reached(Phase::Cut) => {
            tls.metrics.failed(CUT);
            None
        }
    };
    if let Some((stream, handshake)) = shaken {
        let (version, resumed) = labels(handshake);
        connection.note_tls(version);
        tls.metrics.completed(version, resumed, begun.elapsed());
        drop(tls);
        let seated = Seated::new(stream, seat);
        match (handshake.application, connection.listener.http2) {
            (Application::Http2, Some(http2)) => http2::serve(seated, connection, http2).await,
            _ => http1::serve(seated, connection, Some(due)).await,
        }
    }
}

async fn handshake(
    tcp: TcpStream,
    tls: &Tls,
    connection: &Connection,
    due: Instant,
) -> Option<(TlsStream<TcpStream>, Handshake)> {
    let (reason, error) = match timeout_at(due, tls.acceptor.accept(tcp)).await {
        Ok(Ok(accepted)) => return Some(accepted),
        Ok(Err(error)) => (error.reason(), Some(error)),
        Err(_elapsed) => (TIMED_OUT, None),
    };
    tls.metrics.failed(reason);
    tracing::debug!(
        listener = %connection.listener.name,
        client = %connection.peer,
        reason,
        error = error.map(tracing::field::display),
        "no TLS handshake"
    );
    None
}

fn labels(handshake: Handshake) -> (TlsVersion, Resumed) {
    let version = match handshake.version {
        tls::Version::Tls12 => TlsVersion::Tls12,
        tls::Version::Tls13 => TlsVersion::Tls13,
    };
    let resumed = match handshake.resumption {
        tls::Resumption::Resumed => Resumed::Yes,
        tls::Resumption::Full => Resumed::No,
    };
    (version, resumed)
}
