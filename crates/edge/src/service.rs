//! A request from its head to the head of its answer, as a list of steps.
//!
//! tower's `Service` is the door: hyper knocks, and what is to be done is planned by one function that reads
//! from top to bottom. What has to wait for an endpoint is a future of its own size. Layers that answer for
//! everybody (TLS identity, global admission) go around the door and not into the steps.

use std::convert::Infallible;
use std::future::ready;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use switchyard_drain::Place;
use switchyard_upstream::Body;

use crate::admission::{self, Admitted};
use crate::affinity::Places;
use crate::connection::Connection;
use crate::exchange::Exchange;
use crate::plain;
use crate::protocol::Protocol;
use crate::push_only;
use crate::refusal::Refusal;
use crate::route::Route;
use crate::selection::{self, Selection};
use crate::subscription::Subscription;
use crate::vet::{self, Kind};
use crate::websocket::Asking;

/// Where the requests of one connection come in.
pub(crate) struct Door<P> {
    connection: Arc<Connection>,
    protocol: PhantomData<fn() -> P>,
}

impl<P> Door<P> {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            protocol: PhantomData,
        }
    }
}

impl<P> Clone for Door<P> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.connection))
    }
}

impl<P: Protocol> tower::Service<Request<Incoming>> for Door<P> {
    type Response = Response<Body>;
    type Error = Infallible;
    /// Boxed, so that a connection between two requests does not hold the state of one.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let stay = P::stay(&self.connection);
        let request = P::request(request, &self.connection.worker.random);
        let mut exchange = Exchange::begin(&self.connection, &request, P::LABEL);
        let result = match plan(&mut exchange, &request) {
            Ok(Plan::Session(handshake, selection)) => {
                let asking = Asking::new(&mut exchange, request, handshake, selection);
                return Box::pin(asking.answered::<P>(exchange, stay));
            }
            Ok(Plan::Request(route, selection)) => {
                exchange.sent_to(&selection.cluster);
                return Box::pin(async move {
                    let result = plain::proxy(&mut exchange, &route, request, selection).await;
                    Ok(P::response(exchange.finish(result), stay))
                });
            }
            Ok(Plan::PushOnly(handshake)) => {
                push_only::open::<P>(&mut exchange, request, handshake)
            }
            Err(refusal) => Err(refusal),
        };
        Box::pin(ready(Ok(P::response(exchange.finish(result), stay))))
    }
}

/// What is to be done with a request.
enum Plan {
    /// An endpoint is to open a session.
    Session(Handshake, Selection),
    /// The gateway opens it itself.
    PushOnly(Handshake),
    /// An endpoint is to answer.
    Request(Arc<Route>, Selection),
}

/// A handshake that may become a session.
pub(crate) struct Handshake {
    pub(crate) route: Arc<Route>,
    pub(crate) admitted: Admitted,
    pub(crate) subscription: Subscription,
}

/// Vet, route, admit, rank.
fn plan<B>(exchange: &mut Exchange, request: &Request<B>) -> Result<Plan, Refusal> {
    let snapshot = Arc::clone(exchange.snapshot());
    let vetted = vet::vet(request, exchange.connection().sightings.framing())?;
    let found = snapshot
        .routes
        .find(&vetted.host, &vetted.path, request.headers());
    let found = found.ok_or(Refusal::NoRoute)?;
    let route = Arc::clone(found.route);
    exchange.routed(&route);
    let places = Places {
        captures: &found.captures,
        headers: request.headers(),
        query: request.uri().query(),
        client: exchange.client().address,
    };
    let drains = &exchange.worker().drains;
    let random = &exchange.worker().random;
    match vetted.kind {
        Kind::WebSocket => {
            let admitted = admission::admit(request, &route, exchange.phase())?;
            admission::check_drains(drains, &exchange.place())?;
            let handshake = Handshake {
                subscription: Subscription::of_request(&snapshot, &route, &places)?,
                admitted,
                route,
            };
            if handshake.route.is_push_only() {
                return Ok(Plan::PushOnly(handshake));
            }
            let is_closed = |cluster: &str| {
                let place = Place {
                    cluster,
                    ..exchange.place()
                };
                drains.cover(&place)
            };
            let (route, key) = (&handshake.route, &snapshot.key);
            let selection = selection::select(route, key, &places, random, is_closed)?;
            Ok(Plan::Session(handshake, selection))
        }
        Kind::Plain if route.is_push_only() => Err(Refusal::WebSocketOnly),
        Kind::Plain => {
            // Whatever is drained: plain requests are served as ever.
            let is_closed = |_: &str| false;
            let selection = selection::select(&route, &snapshot.key, &places, random, is_closed)?;
            Ok(Plan::Request(route, selection))
        }
    }
}
