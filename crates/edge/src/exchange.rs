//! One request and its answer, for the record: exactly one metric and one access record each.
//!
//! It is made when the head of a request has come in and ends with the head of the answer. A
//! request that is given up before, because its client or the gateway goes, is recorded when this
//! is dropped.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arcstr::ArcStr;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use switchyard_drain::{Phase, Place};
use switchyard_push::SessionName;
use switchyard_relay::{SessionId, SessionInfo, Tie};
use switchyard_telemetry::labels::{AffinityResult, MethodClass, Protocol};
use switchyard_telemetry::metrics::route::RouteMetrics;
use switchyard_telemetry::{Spelled, access};
use switchyard_upstream::{Body, Cluster, Dialer, Endpoint, Introduction};

use crate::client_address::Client;
use crate::connection::Connection;
use crate::forward::{self, RequestId};
use crate::refusal::Refusal;
use crate::reply;
use crate::route::Route;
use crate::snapshot::Snapshot;
use crate::vet::{self, Kind};
use crate::worker::Worker;

/// A handshake that an endpoint made a session.
const ACCEPTED: &str = "accepted";

/// A handshake that an endpoint answered with something other than 101.
const DECLINED: &str = "declined";

/// The client went before there was an answer. The status is never sent.
const CLIENT_GONE: (u16, &str) = (499, "client_gone");

/// The gateway ended before there was an answer. The status is never sent.
const CUT: (u16, &str) = (503, "cut");

/// A request that is being answered.
pub(crate) struct Exchange {
    connection: Arc<Connection>,
    snapshot: Arc<Snapshot>,
    client: Client,
    id: RequestId,
    kind: Kind,
    protocol: Protocol,
    received: Instant,
    asked: Asked,
    route: Option<Arc<Route>>,
    cluster: Option<Arc<Cluster>>,
    endpoint: Option<Arc<Endpoint>>,
    session: Option<SessionId>,
    record: Record,
}

/// What was asked for. It shares the request's buffer, so it must not outlive the exchange.
struct Asked {
    method: Method,
    target: Uri,
    host: Option<HeaderValue>,
}

/// Whether the request has been recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    Due,
    Made,
}

impl Exchange {
    /// Begins with the head of a request.
    pub(crate) fn begin<B>(
        connection: &Arc<Connection>,
        request: &Request<B>,
        protocol: Protocol,
    ) -> Self {
        let received = Instant::now();
        connection.note_request();
        let snapshot = connection.worker.snapshot.load_full();
        let headers = request.headers();
        let client = Client::behind(connection.peer, &snapshot.trusted_proxies, headers);
        let random = || connection.worker.random.next_wide();
        Self {
            connection: Arc::clone(connection),
            snapshot,
            client,
            id: RequestId::keep_or_make(headers, client.trust, random),
            kind: vet::intent(request),
            protocol,
            received,
            asked: Asked::of(request),
            route: None,
            cluster: None,
            endpoint: None,
            session: None,
            record: Record::Due,
        }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn worker(&self) -> &Arc<Worker> {
        &self.connection.worker
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.connection.worker.dialer
    }

    pub(crate) fn phase(&self) -> Phase {
        self.connection.watch().phase()
    }

    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// What an endpoint may be told of the client before the request.
    pub(crate) fn introduction(&self) -> Introduction<'_> {
        self.connection
            .introduce(self.client.address, self.id.as_str())
    }

    /// The request took this route.
    pub(crate) fn routed(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    /// The request goes to this cluster.
    pub(crate) fn sent_to(&mut self, cluster: &Arc<Cluster>) {
        self.cluster = Some(Arc::clone(cluster));
    }

    /// This endpoint answered.
    pub(crate) fn served(&mut self, endpoint: &Arc<Endpoint>, affinity: AffinityResult) {
        self.endpoint = Some(Arc::clone(endpoint));
        self.route_metrics().affinity(affinity);
    }

    /// Where it is on its way, as far as it has come.
    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            listener: &self.connection.listener.name,
            route: self.route_name().unwrap_or_default(),
            cluster: self.cluster_name().unwrap_or_default(),
            endpoint: self.endpoint_name().unwrap_or_default(),
        }
    }

    /// The name of the session that a handshake is to open, from the first time that it is asked for.
    pub(crate) fn session(&mut self) -> SessionName {
        SessionName {
            replica: self.worker().push.replica(),
            id: *self.session.get_or_insert_with(SessionId::next),
        }
    }

    /// Turns the client's head into what the endpoint gets. What tells endpoints the name of a session is the
    /// gateway's to say.
    pub(crate) fn forward(&self, head: &mut Parts) {
        forward::request(head, &self.client, self.connection.arrival(), &self.id);
        if let Some(name) = &self.snapshot.session_header {
            head.headers.remove(name);
        }
    }

    /// Tells the endpoint the name of the session, where it is to be told.
    pub(crate) fn name_session(&mut self, headers: &mut HeaderMap) {
        let Some(name) = self.snapshot.session_header.clone() else {
            return;
        };
        if let Ok(value) = HeaderValue::try_from(self.session().to_string()) {
            headers.insert(name, value);
        }
    }

    /// What the registry keeps of a session that opens: copies, nothing of the request's buffer.
    pub(crate) fn session_info(&mut self, tie: Tie) -> SessionInfo {
        let name = |name: Option<&ArcStr>| name.cloned().unwrap_or_default();
        SessionInfo {
            id: self.session().id,
            listener: self.connection.listener.name.clone(),
            route: name(self.route.as_deref().map(|route| &route.name)),
            cluster: name(self.cluster.as_deref().map(Cluster::name)),
            endpoint: name(self.endpoint.as_deref().map(Endpoint::name)),
            client: self.client.address,
            request_id: self.id.as_str().into(),
            opened: switchyard_relay::now(),
            tie,
        }
    }

    /// A session opened: its own record takes the place of the request's.
    pub(crate) fn opened(&mut self, session: SessionId, opened: Opened<'_>) {
        self.record = Record::Made;
        let took = self.received.elapsed();
        self.route_metrics().handshake(ACCEPTED, took);
        access::Opened {
            session: &Spelled::number(session.get()),
            request_id: self.id.as_str(),
            listener: &self.connection.listener.name,
            route: self.route_name().unwrap_or_default(),
            cluster: self.cluster_name().unwrap_or_default(),
            endpoint: self.endpoint_name().unwrap_or_default(),
            client: self.client.address,
            cert: self.cert(),
            protocol: self.protocol,
            host: self.asked.host(),
            path: &self.asked.path(&self.snapshot.shown),
            subprotocol: opened.subprotocol,
            affinity: opened.affinity,
            handshake: took,
        }
        .emit();
    }

    /// Ends with an answer: the endpoint's, or the gateway's own. A worker that drains answers no
    /// more requests on this connection.
    pub(crate) fn finish(mut self, result: Result<Response<Body>, Refusal>) -> Response<Body> {
        let reason = result.as_ref().err().map(Refusal::reason);
        let random = &self.connection.worker.random;
        let mut response =
            result.unwrap_or_else(|refusal| reply::refuse(&refusal, &self.id, random.next()));
        self.record(response.status().as_u16(), reason);
        let is_leaving = self.connection.watch().takes_last_orders();
        if is_leaving && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            reply::close_after(response.headers_mut());
        }
        response
    }

    /// Records the answer, unless a record has been made.
    fn record(&mut self, status: u16, reason: Option<&'static str>) {
        if std::mem::replace(&mut self.record, Record::Made) == Record::Made {
            return;
        }
        let took = self.received.elapsed();
        match self.kind {
            Kind::WebSocket => self
                .route_metrics()
                .handshake(reason.unwrap_or(DECLINED), took),
            Kind::Plain => {
                let class = MethodClass::of(self.asked.method.as_str());
                self.route_metrics().http_request(class, status, took);
            }
        }
        self.emit(status, reason, took);
    }

    fn emit(&self, status: u16, reason: Option<&'static str>, duration: Duration) {
        access::Request {
            request_id: self.id.as_str(),
            listener: &self.connection.listener.name,
            route: self.route_name(),
            cluster: self.cluster_name(),
            endpoint: self.endpoint_name(),
            client: self.client.address,
            cert: self.cert(),
            protocol: self.protocol,
            method: self.asked.method.as_str(),
            host: self.asked.host(),
            path: &self.asked.path(&self.snapshot.shown),
            status,
            reason,
            duration,
        }
        .emit();
    }

    fn cert(&self) -> Option<access::Cert<'_>> {
        let cert = self.connection.client_cert()?;
        Some(access::Cert {
            subject: cert.subject.as_deref(),
            sha256: &cert.sha256,
        })
    }

    fn route_metrics(&self) -> &RouteMetrics {
        match &self.route {
            Some(route) => &route.metrics,
            None => &self.snapshot.unrouted,
        }
    }

    fn route_name(&self) -> Option<&str> {
        self.route.as_deref().map(|route| &*route.name)
    }

    fn cluster_name(&self) -> Option<&str> {
        self.cluster.as_deref().map(|cluster| &**cluster.name())
    }

    fn endpoint_name(&self) -> Option<&str> {
        self.endpoint.as_deref().map(|endpoint| &**endpoint.name())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let is_cut = self.phase() >= Phase::Cut;
        let (status, reason) = if is_cut { CUT } else { CLIENT_GONE };
        self.record(status, Some(reason));
    }
}

/// What the record of an opened session says beyond the request's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened<'a> {
    pub(crate) subprotocol: Option<&'a str>,
    pub(crate) affinity: AffinityResult,
}

impl Asked {
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            target: request.uri().clone(),
            host: request.headers().get(HOST).cloned(),
        }
    }

    /// What the client said; not vetted.
    fn host(&self) -> &str {
        let text = self.host.as_ref().and_then(|host| host.to_str().ok());
        text.unwrap_or_default()
    }

    /// Path and query without the query's values, but for those of the names in `shown`.
    fn path(&self, shown: &[String]) -> Cow<'_, str> {
        let target = self.target.path_and_query();
        access::redacted(target.map_or("", |target| target.as_str()), shown)
    }
}
