//! Where a session comes to from another process: a worker, and what it takes to go on there.
//!
//! First it is moored: everything is there, and not a byte is read or written. Then either it goes, or it
//! is let go and stays where it was. Not here: how the records and the sockets came.

use std::fmt;
use std::io;
use std::net::TcpStream as StdStream;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use arcstr::ArcStr;
use switchyard_proto::session::Cause;
use switchyard_relay::{Relay, SessionInfo};
use switchyard_telemetry::labels::Protocol;
use switchyard_upstream::{Endpoint, Lease, Line};
use tokio::net::TcpStream;

use crate::io::Seated;
use crate::join::Record;
use crate::listener::Reception;
use crate::moving::Moving;
use crate::opening;
use crate::route::Route;
use crate::running::{Open, Running};
use crate::seat::Seat;
use crate::snapshot::Snapshot;
use crate::worker::Worker;

/// A worker, as sessions of another process come to it.
pub struct Berth {
    worker: Arc<Worker>,
}

/// A session that is ready to go on here.
pub struct Moored {
    worker: Arc<Worker>,
    route: Arc<Route>,
    moving: Moving,
    client: Seated<TcpStream>,
    line: Line,
    /// `None` where there is no endpoint.
    lease: Option<Lease>,
}

/// Why a session cannot go on here, and stays where it was.
#[derive(Debug, thiserror::Error)]
pub enum Unmoored {
    /// What is told of it makes no sense.
    #[error("its record is malformed")]
    Malformed,
    /// Its listener is not in this configuration.
    #[error("there is no such listener")]
    Listener,
    /// Its listener takes fewer connections than it has.
    #[error("its listener has no room")]
    Room,
    /// Its route is not.
    #[error("there is no such route")]
    Route,
    /// Its cluster is not, or has no such endpoint.
    #[error("there is no such endpoint")]
    Endpoint,
    /// Its connections cannot be waited for.
    #[error("its connections cannot be used: {0}")]
    Socket(#[from] io::Error),
}

impl Berth {
    /// At this worker.
    #[must_use]
    pub fn new(worker: Arc<Worker>) -> Self {
        Self { worker }
    }

    /// Takes a session in, within the worker's runtime: the client's connection and the endpoint's. It is
    /// received where its listener is among `receptions`.
    ///
    /// # Errors
    /// It has to stay where it is.
    pub fn moor(
        &self,
        record: &[u8],
        [client, endpoint]: [OwnedFd; 2],
        receptions: &[Reception],
    ) -> Result<Moored, Unmoored> {
        let mut moving = Moving::decode(record, switchyard_relay::now())
            .map_err(|_malformed| Unmoored::Malformed)?;
        let worker = Arc::clone(&self.worker);
        let info = &moving.still.info;
        let snapshot = worker.snapshot.load();
        let route = snapshot.route(&info.route).ok_or(Unmoored::Route)?;
        let way = Way::find(&snapshot, route, info)?;
        let seat = self.seat(info, receptions)?;
        let client = stream(client)?;
        let route = Arc::clone(route);
        // One text for all sessions.
        let info = &mut moving.still.info;
        info.listener = seat.listener().name.clone();
        info.route = route.name.clone();
        let (line, lease) = way.take_over(&worker, endpoint, info)?;
        drop(snapshot);
        Ok(Moored {
            worker,
            route,
            moving,
            client: Seated::new(client, seat),
            line,
            lease,
        })
    }

    fn seat(&self, info: &SessionInfo, receptions: &[Reception]) -> Result<Seat, Unmoored> {
        let mut listeners = receptions.iter();
        let listener = listeners.find(|Reception(listener)| listener.name == info.listener);
        let Reception(listener) = listener.ok_or(Unmoored::Listener)?;
        Seat::take_over(listener, self.worker.handover.own()).ok_or(Unmoored::Room)
    }
}

/// What a session has at its other end.
enum Way {
    Endpoint(ArcStr, Arc<Endpoint>),
    /// There is no endpoint.
    Within,
}

impl Way {
    fn find(snapshot: &Snapshot, route: &Route, session: &SessionInfo) -> Result<Self, Unmoored> {
        if session.cluster.is_empty() && route.is_push_only() {
            return Ok(Self::Within);
        }
        let cluster = snapshot.clusters.get(&session.cluster);
        let cluster = cluster.ok_or(Unmoored::Endpoint)?;
        let in_use = cluster.endpoint_in_use(&session.endpoint);
        let in_use = in_use.ok_or(Unmoored::Endpoint)?;
        Ok(Self::Endpoint(cluster.name().clone(), in_use))
    }

    fn take_over(
        self,
        worker: &Worker,
        socket: OwnedFd,
        session: &mut SessionInfo,
    ) -> io::Result<(Line, Option<Lease>)> {
        let Self::Endpoint(cluster, endpoint) = self else {
            // It is the client's once more.
            drop(socket);
            return Ok((Line::within(), None));
        };
        let (line, lease) = worker.dialer.take_over(&endpoint, stream(socket)?);
        session.cluster = cluster;
        session.endpoint = endpoint.name().clone();
        Ok((line, Some(lease)))
    }
}

fn stream(socket: OwnedFd) -> io::Result<TcpStream> {
    let stream = StdStream::from(socket);
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

impl Moored {
    /// From now on it goes on here. Within the worker's runtime, on which everything else happens.
    pub fn go(self) {
        let tasks = self.worker.tasks.clone();
        tasks.spawn(async move { self.run() });
    }

    fn run(self) {
        let Self {
            worker,
            route,
            moving,
            client,
            line,
            lease,
        } = self;
        let ticket = worker.registry.open(moving.still.info.clone());
        opening::subscribe(&worker, &ticket, &moving.subscription);
        let asks_to_go = |lease: &Lease| lease.endpoint().asks_to_go();
        if lease.as_ref().is_some_and(asks_to_go) {
            ticket.close(Cause::EndpointLeft, worker.snapshot.load().farewell.clone());
        }
        worker.upgrade.taken_over();
        Moving::told(ticket.info()).taken_over();
        let traffic = worker.metrics.route(&route.name, Protocol::Http1);
        let relay = Relay::restore(
            (client, line),
            moving.still,
            ticket,
            &traffic,
            (&route.policy, route.limits),
            || worker.random.next(),
        );
        let record = Record {
            worker: Arc::clone(&worker),
            metrics: Arc::clone(&route.metrics),
            affinity: moving.affinity,
            protocol: Protocol::Http1,
        };
        let open = Open {
            relay,
            lease,
            record,
        };
        worker.tasks.spawn(Running::Open(open));
    }
}

impl fmt::Debug for Moored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moored")
            .field("session", &self.moving.still.info.id)
            .finish_non_exhaustive()
    }
}
