//! Listeners that end TLS: what they show, and the handshake of each connection before its HTTP.
//!
//! How TLS itself is done is `switchyard_tls`'s; what is served inside is the same as without.

mod followed;
mod load;
mod material;
mod pair;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use switchyard_config as config;
use switchyard_drain::{Phase, Retirement, Tasks};
use switchyard_telemetry::Metrics;
use switchyard_telemetry::labels::{Resumed, TlsVersion};
use switchyard_telemetry::metrics::tls::TlsMetrics;
use switchyard_tls::{
    self as tls, Acceptor, Application, Greeted, Handshake, HandshakeError, Identity, Terms,
    TicketSecret, TlsStream, UnixTime,
};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

use crate::client_cert::ClientCert;
use crate::connection::Connection;
use crate::http1;
use crate::http2;
use crate::io::Seated;
use crate::seat::Seat;
use crate::turns::{self, Turn};
use followed::Followed;
use material::Material;
use pair::Pair;

/// The client let its time pass.
const TIMED_OUT: &str = "timeout";

/// The client's hello came in time, and its turn did not.
const NO_TURN: &str = "queue_timeout";

/// The gateway ended before the handshake did.
const CUT: &str = "cut";

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How a listener ends TLS.
pub(crate) struct Tls {
    listener: ArcStr,
    settings: config::Tls,
    application: Application,
    acceptor: Acceptor,
    metrics: TlsMetrics,
    /// What it shows at first.
    loaded: Vec<(config::Certificate, Identity)>,
    /// Of tickets that no other process opens.
    own_tickets: TicketSecret,
    retirement: Retirement,
}

/// What a listener shows, if it ends TLS: what `former` shows, where that is the same.
pub(crate) fn of(
    listener: &config::Listener,
    metrics: &Metrics,
    former: Option<&Arc<Tls>>,
) -> Result<Option<Arc<Tls>>, tls::Error> {
    let Some(settings) = &listener.tls else {
        return Ok(None);
    };
    let application = match listener.http2 {
        Some(_) => Application::Http2,
        None => Application::Http1,
    };
    if let Some(former) = former
        && former.settings == *settings
        && former.application == application
    {
        return Ok(Some(Arc::clone(former)));
    }
    let own_tickets = match former {
        Some(former) => former.own_tickets.clone(),
        None => TicketSecret::random()?,
    };
    let metrics = metrics.tls(&listener.name);
    let tls = Tls::new(&listener.name, settings, application, own_tickets, metrics)?;
    Ok(Some(Arc::new(tls)))
}

impl Tls {
    fn new(
        name: &ArcStr,
        settings: &config::Tls,
        application: Application,
        own_tickets: TicketSecret,
        metrics: TlsMetrics,
    ) -> Result<Self, tls::Error> {
        let now = UnixTime::now();
        let mut loaded = Vec::new();
        for files in &settings.certificates {
            let (identity, fault) = load::identity(files, now)?;
            if let Some(fault) = fault {
                load::tell_of_staple(name, files, &fault);
            }
            loaded.push((files.clone(), identity));
        }
        let terms = terms(name, settings, application, &own_tickets)?;
        let identities: Vec<_> = loaded.iter().map(|(_, shown)| shown.clone()).collect();
        Ok(Self {
            listener: name.clone(),
            settings: settings.clone(),
            application,
            acceptor: Acceptor::new(&identities, terms)?,
            metrics,
            loaded,
            own_tickets,
            retirement: Retirement::default(),
        })
    }

    /// Handshakes that a worker does at once.
    fn at_once(&self) -> usize {
        usize::try_from(self.settings.handshakes_at_once.get()).unwrap_or(usize::MAX)
    }

    /// Has `tasks` follow what becomes of the files.
    pub(crate) fn follow_files(&self, tasks: &Tasks) {
        let pairs = self.loaded.iter();
        let pairs =
            pairs.map(|(files, shown)| Pair::new(&self.listener, &self.metrics, files, shown));
        let settings = self.settings.clone();
        let following = follow(Material {
            acceptor: self.acceptor.clone(),
            pairs: pairs.collect(),
            ticket_key: settings
                .ticket_key
                .map(|key| Followed::new(&self.listener, &self.metrics, key)),
            client_ca: settings
                .client_ca
                .map(|ca| Followed::new(&self.listener, &self.metrics, ca)),
        });
        self.retirement.spawn_until(tasks, following);
    }

    /// Its files are followed no more; certificates that `next` does not show are forgotten.
    pub(crate) fn retire(&self, next: Option<&Self>) {
        self.retirement.begin();
        let certificates = |tls: &Self| tls.settings.certificates.clone();
        let shown = next.map(certificates).unwrap_or_default();
        let is_shown = |name: &str| shown.iter().any(|files| &*files.name == name);
        for (files, _) in &self.loaded {
            if !is_shown(&files.name) {
                self.metrics.forget(&files.name);
            }
        }
    }
}

/// Looks at the files for ever. A filesystem that does not answer holds up nothing else.
async fn follow(mut material: Material) {
    loop {
        let look = spawn_blocking(move || {
            material.look(UnixTime::now());
            material
        });
        match look.await {
            Ok(back) => material = back,
            Err(error) => {
                return tracing::error!(%error, "files of TLS are not followed any more");
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

fn terms(
    listener: &ArcStr,
    settings: &config::Tls,
    application: Application,
    own_tickets: &TicketSecret,
) -> Result<Terms, tls::Error> {
    let oldest = match settings.min_version {
        config::TlsVersion::Tls12 => tls::Oldest::Tls12,
        config::TlsVersion::Tls13 => tls::Oldest::Tls13,
    };
    let tickets = match &settings.ticket_key {
        Some(key) => TicketSecret::of(key.file.content.expose()),
        None => own_tickets.clone(),
    };
    let clients = settings.client_ca.as_ref().map(load::authority);
    Ok(Terms {
        oldest,
        listener: listener.clone(),
        tickets,
        clients: clients.transpose()?,
        application,
    })
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
    let due = due.unwrap_or(begun + connection.settings.handshake_timeout);
    let shaken = tokio::select! {
        shaken = handshake(tcp, &tls, &connection, due) => shaken,
        () = connection.watch().reached(Phase::Cut) => {
            tls.metrics.failed(CUT);
            None
        }
    };
    if let Some((stream, handshake)) = shaken {
        let (version, resumed) = labels(&handshake);
        connection.note_tls(version);
        tls.metrics.completed(version, resumed, begun.elapsed());
        if let Some(cert) = handshake.client.and_then(|it| ClientCert::of(*it)) {
            connection.identify(cert);
        }
        drop(tls);
        let seated = Seated::new(stream, seat);
        match (handshake.application, connection.settings.http2) {
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
    let failure = match steps(tcp, tls, connection, due).await {
        Ok(accepted) => return Some(accepted),
        Err(failure) => failure,
    };
    let (reason, error) = match failure {
        Failure::Handshake(error) => (error.reason(), Some(error)),
        Failure::TimedOut => (TIMED_OUT, None),
        Failure::NoTurn => (NO_TURN, None),
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

/// Why a connection came to nothing before its first request.
enum Failure {
    Handshake(HandshakeError),
    TimedOut,
    NoTurn,
}

/// The hello, the turn, and everything else. Nothing is worked out before the turn has come, and
/// nothing for a client that has gone by then.
async fn steps(
    tcp: TcpStream,
    tls: &Tls,
    connection: &Connection,
    due: Instant,
) -> Result<(TlsStream<TcpStream>, Handshake), Failure> {
    let greeted = timeout_at(due, Greeted::wait(tcp)).await;
    let greeted = greeted.map_err(|_elapsed| Failure::TimedOut)?;
    let greeted = greeted.map_err(Failure::Handshake)?;
    let turns = &connection.worker.turns;
    let turn = turns.take(&connection.listener.name, tls.at_once(), &tls.metrics);
    let turn = timeout_at(due, turn).await;
    let turn = turn.map_err(|_elapsed| Failure::NoTurn)?;
    if turns::is_gone(greeted.io()) {
        return Err(Failure::Handshake(HandshakeError::Gone));
    }
    let shaking = in_turn(tls.acceptor.shake(greeted), turn);
    let shaken = timeout_at(due, shaking).await;
    let shaken = shaken.map_err(|_elapsed| Failure::TimedOut)?;
    shaken.map_err(Failure::Handshake)
}

/// Does `work`, and gives the turn back when it is done or has taken long enough.
async fn in_turn<R>(work: impl Future<Output = R>, turn: Turn) -> R {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = work.as_mut() => return done,
        () = sleep(turns::LONGEST_TURN) => drop(turn),
    }
    work.await
}

fn labels(handshake: &Handshake) -> (TlsVersion, Resumed) {
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
