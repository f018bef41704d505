//! A session that both sides agree on: it goes onto the list, is subscribed, hears what it has to know before anything
//! else, and has its connections joined behind the 101.
//!
//! Not here: how they came to agree, and the 101 itself.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use switchyard_drain::Phase;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::Cause;
use switchyard_relay::{Handle, Leg, Tie};
use switchyard_telemetry::labels::AffinityResult;
use switchyard_upstream::{Lease, Line};

use crate::exchange::{Exchange, Opened};
use crate::join::Join;
use crate::protocol::Protocol;
use crate::route::Route;
use crate::subscription::Subscription;
use crate::worker::Worker;

/// See the module.
pub(crate) struct Opening<'a> {
    pub(crate) route: &'a Arc<Route>,
    pub(crate) upstream: Leg<Line>,
    pub(crate) deflate: Deflate,
    /// `None` where there is no endpoint.
    pub(crate) lease: Option<Lease>,
    pub(crate) tie: Tie,
    pub(crate) affinity: AffinityResult,
    pub(crate) subprotocol: Option<&'a str>,
    pub(crate) subscription: Subscription,
}

impl Opening<'_> {
    /// Opens it; the 101 goes out after this.
    pub(crate) fn open<P: Protocol>(self, exchange: &mut Exchange, on_upgrade: OnUpgrade) {
        let worker = Arc::clone(exchange.worker());
        let ticket = worker.registry.open(exchange.session_info(self.tie));
        subscribe(&worker, &ticket, &self.subscription);
        if let Some(events) = worker.push.events() {
            // Those that it has: it may have asked for more than it may have.
            let channels = worker.desk.channels_of(ticket.info().id);
            events.opened(ticket.info(), &channels);
        }
        self.tell(exchange, &ticket);
        exchange.opened(
            ticket.info().id,
            Opened {
                subprotocol: self.subprotocol,
                affinity: self.affinity,
            },
        );
        let join = Join {
            worker: Arc::clone(&worker),
            route: Arc::clone(self.route),
            upstream: self.upstream,
            deflate: self.deflate,
            ticket,
            lease: self.lease,
            affinity: self.affinity,
        };
        let stay = P::stay(exchange.connection());
        P::go_on_with(exchange.connection(), join.behind::<P>(on_upgrade, stay));
    }

    /// Tells it what has been ordered or has changed meanwhile. Only now: who orders a drain looks for those that are
    /// on the list.
    fn tell(&self, exchange: &Exchange, session: &Handle) {
        let worker = exchange.worker();
        let snapshot = worker.snapshot.load();
        let asks_to_go = |lease: &Lease| lease.endpoint().asks_to_go();
        if let Some(close) = worker.drains.close_for(&exchange.place()) {
            session.close(Cause::Drain, close);
        } else if self.lease.as_ref().is_some_and(asks_to_go) {
            session.close(Cause::EndpointLeft, snapshot.farewell.clone());
        }
        let now = snapshot.route(&self.route.name);
        if now.is_none_or(|now| !Arc::ptr_eq(now, self.route)) {
            snapshot.receive(session, self.route, || worker.random.next());
        }
        if exchange.phase() >= Phase::Draining {
            session.close(Cause::Reload, snapshot.farewell.clone());
        }
    }
}

/// Subscribes a session, to as many of the channels as it may have.
pub(crate) fn subscribe(worker: &Worker, session: &Handle, subscription: &Subscription) {
    if let Err(too_many) = worker.subscribe(session, subscription) {
        let info = session.info();
        tracing::warn!(
            session = %info.id,
            route = %info.route,
            endpoint = %info.endpoint,
            %too_many,
            "a session was to have more channels than it may have: it has the first of them"
        );
    }
}
