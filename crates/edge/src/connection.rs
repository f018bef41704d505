//! One client connection, whatever it speaks: what its requests share, and how it is seen to its end.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use switchyard_drain::{Phase, Presence, Watch};
use switchyard_proto::proxy_protocol::{Certificate, Tls};
use switchyard_telemetry::labels::TlsVersion;
use switchyard_upstream::Introduction;

use crate::client_cert::ClientCert;
use crate::forward::{Arrival, Scheme};
use crate::io::Sightings;
use crate::listener::{ListenerSettings, Shared};
use crate::origin::{Origin, protocol_name};
use crate::worker::Worker;

/// What all requests of a connection share.
pub(crate) struct Connection {
    pub(crate) worker: Arc<Worker>,
    pub(crate) listener: Arc<Shared>,
    /// Of the listener, when the connection came.
    pub(crate) settings: Arc<ListenerSettings>,
    pub(crate) peer: IpAddr,
    pub(crate) port: u16,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) scheme: Scheme,
    /// As the PROXY protocol calls it, once it is known.
    pub(crate) tls_version: OnceLock<&'static str>,
    /// What HTTP/1.1 needs to know.
    pub(crate) sightings: Arc<Sightings>,
    /// What HTTP/2 needs to know: how many streams there are.
    pub(crate) streams: Presence,
    /// The session that it becomes, once HTTP/1.1 is over on it.
    sequel: Mutex<Option<Sequel>>,
    /// Set once, before the first request.
    client_cert: OnceLock<Box<ClientCert>>,
    /// Whether a request has come in.
    used: AtomicBool,
}

impl Connection {
    pub(crate) fn new(worker: Arc<Worker>, listener: Arc<Shared>, mut origin: Origin) -> Arc<Self> {
        let settings = listener.settings.load_full();
        if settings.tls.is_some() {
            (origin.scheme, origin.tls_version) = (Scheme::Https, None);
        }
        Arc::new(Self {
            settings,
            worker,
            listener,
            peer: origin.client.ip().to_canonical(),
            port: origin.client.port(),
            local: origin.local,
            scheme: origin.scheme,
            tls_version: origin
                .tls_version
                .map_or_else(OnceLock::new, OnceLock::from),
            sightings: Arc::default(),
            streams: Presence::default(),
            sequel: Mutex::default(),
            client_cert: OnceLock::new(),
            used: AtomicBool::new(false),
        })
    }

    /// How far the gateway is on its way out, or the listener alone.
    pub(crate) fn watch(&self) -> &Watch {
        &self.listener.watch
    }

    /// The listener has ended TLS of this version.
    pub(crate) fn note_tls(&self, version: TlsVersion) {
        self.tls_version.get_or_init(|| protocol_name(version));
    }

    /// What an endpoint may be told of `client`. Behind other proxies its port is not known.
    pub(crate) fn introduce<'a>(&self, client: IpAddr, request_id: &'a str) -> Introduction<'a> {
        let port = if client == self.peer { self.port } else { 0 };
        let tls = Tls {
            version: self.tls_version.get().map(|name| name.as_bytes()),
            common_name: None,
            certificate: Certificate::None,
        };
        Introduction {
            client: SocketAddr::new(client, port),
            local: self.local,
            tls: (self.scheme == Scheme::Https).then_some(tls),
            request_id,
        }
    }

    /// The client has shown a certificate.
    pub(crate) fn identify(&self, cert: ClientCert) {
        self.client_cert.get_or_init(|| Box::new(cert));
    }

    /// Who the client has shown that it is.
    pub(crate) fn client_cert(&self) -> Option<&ClientCert> {
        self.client_cert.get().map(|cert| &**cert)
    }

    /// How its requests came in.
    pub(crate) fn arrival(&self) -> Arrival<'_> {
        Arrival {
            scheme: self.scheme,
            cert: self.client_cert().map(|cert| &cert.field),
        }
    }

    /// This is done once HTTP/1.1 is over, however that comes.
    pub(crate) fn go_on_with(&self, sequel: Sequel) {
        *self.sequel() = Some(sequel);
    }

    /// What is to be done now.
    pub(crate) fn take_sequel(&self) -> Option<Sequel> {
        self.sequel().take()
    }

    fn sequel(&self) -> MutexGuard<'_, Option<Sequel>> {
        self.sequel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come in.
    pub(crate) fn note_request(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }
}

/// What is done with a connection that is no longer HTTP's.
pub(crate) type Sequel = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a connection ended.
pub(crate) enum End {
    /// By itself, or by its client.
    Own(hyper::Result<()>),
    /// It was given up.
    GivenUp,
    /// The gateway ends.
    Cut,
}

/// Lets hyper serve a connection until it ends, or is `given_up`.
///
/// When the worker drains, or another process accepts, the requests that are being answered are the last, and a connection without
/// one is closed: `last_orders` has hyper see to that. One that has not had its first yet may still send
/// it, within its time: its client has just been let in. When sessions are cut, so is this.
pub(crate) async fn attend<S>(
    mut serving: Pin<&mut S>,
    connection: &Connection,
    last_orders: fn(Pin<&mut S>),
    given_up: impl Future<Output = ()>,
) -> End
where
    S: Future<Output = hyper::Result<()>>,
{
    let watch = connection.watch();
    tokio::select! {
        // What is asked of it comes first: at its end, which is soon where it becomes a session, nobody else is asked.
        biased;
        ended = serving.as_mut() => return End::Own(ended),
        () = given_up => return End::GivenUp,
        () = watch.last_orders() => {}
    }
    if connection.is_used() {
        last_orders(serving.as_mut());
    }
    tokio::select! {
        ended = serving => End::Own(ended),
        () = watch.reached(Phase::Cut) => End::Cut,
    }
}
