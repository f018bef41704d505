//! From the 101 to the close record: the client's connection is taken out of hyper and joined with
//! the endpoint's.
//!
//! The wait for hyper is the connection's task and the relay another: the relay's task lives for hours and is
//! to be no larger than it must, and nothing of the request or of hyper's buffers is in it.

use std::marker::PhantomData;
use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use switchyard_drain::{Phase, Place};
use switchyard_proto::Side;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{Cause, Initiator, Outcome, Session};
use switchyard_push::Ended;
use switchyard_relay::{Closed, Leg, Relay, SessionInfo, Ticket, Traffic};
use switchyard_telemetry::labels::{self, AffinityResult, DrainResult};
use switchyard_telemetry::metrics::route::RouteMetrics;
use switchyard_telemetry::{Spelled, access};
use switchyard_upstream::{End, Lease, Line};
use switchyard_wire::Wire;

use crate::moving::Moving;
use crate::protocol::Protocol;
use crate::route::Route;
use crate::running::{Open, Running};
use crate::worker::Worker;

/// A session that waits for its client's connection.
pub(crate) struct Join {
    pub(crate) worker: Arc<Worker>,
    pub(crate) route: Arc<Route>,
    pub(crate) upstream: Leg<Line>,
    pub(crate) deflate: Deflate,
    pub(crate) ticket: Ticket,
    /// `None` where there is no endpoint.
    pub(crate) lease: Option<Lease>,
    pub(crate) affinity: AffinityResult,
}

impl Join {
    /// Relays once hyper has written the 101 and given the connection up. Where that is dropped before, polled or not,
    /// the session is over.
    pub(crate) fn behind<P: Protocol>(
        self,
        on_upgrade: OnUpgrade,
        stay: P::Stay,
    ) -> impl Future<Output = ()> + Send + use<P> {
        let promised = Promised::<P>::new(self);
        async move {
            match taken_over::<P>(on_upgrade, stay).await {
                Some(downstream) => promised.keep(downstream),
                None => promised.lose(),
            }
        }
    }

    /// There will be no relay.
    fn abandon(self, protocol: labels::Protocol, outcome: Outcome) {
        let record = Record::of(&self, protocol);
        let Self { worker, ticket, .. } = self;
        let id = ticket.info().id;
        record.abandoned(ticket.info(), outcome);
        drop(ticket);
        worker.desk.forget(id);
    }

    fn relay<T: Wire + Send + 'static>(self, downstream: Leg<T>, protocol: labels::Protocol) {
        let record = Record::of(&self, protocol);
        let Self {
            worker,
            route,
            upstream,
            deflate,
            ticket,
            lease,
            ..
        } = self;
        let now = switchyard_relay::now();
        let session = Session::new(
            Arc::clone(&route.policy),
            deflate,
            || worker.random.next(),
            now,
        );
        let traffic = worker.metrics.route(&route.name, protocol);
        let relay = Relay::new(
            downstream,
            upstream,
            session,
            ticket,
            &traffic,
            route.limits,
        );
        let open = Open {
            relay,
            lease,
            record,
        };
        worker.tasks.spawn(Running::Open(open));
    }
}

/// A session that counts as open, and whose client has yet to get its 101. It becomes one that is relayed or one that is
/// over, whatever happens to who waits for it.
struct Promised<P: Protocol> {
    join: Option<Join>,
    protocol: PhantomData<fn() -> P>,
}

impl<P: Protocol> Promised<P> {
    fn new(join: Join) -> Self {
        Self {
            join: Some(join),
            protocol: PhantomData,
        }
    }

    fn keep(mut self, downstream: Leg<P::Io>) {
        if let Some(join) = self.join.take() {
            join.relay(downstream, P::LABEL);
        }
    }

    /// The client's connection broke while the 101 was on its way.
    fn lose(mut self) {
        self.abandon(Outcome::abrupt(Initiator::Downstream, Cause::Reset));
    }

    fn abandon(&mut self, outcome: Outcome) {
        if let Some(join) = self.join.take() {
            join.abandon(P::LABEL, outcome);
        }
    }
}

impl<P: Protocol> Drop for Promised<P> {
    /// Whoever was to write the 101 has failed at it.
    fn drop(&mut self) {
        self.abandon(Outcome::abrupt(Initiator::Gateway, Cause::Internal));
    }
}

/// The client's connection and what came behind its handshake; `None` when it broke before.
async fn taken_over<P: Protocol>(on_upgrade: OnUpgrade, stay: P::Stay) -> Option<Leg<P::Io>> {
    let upgraded = on_upgrade.await.ok()?;
    P::take(upgraded, stay)
}

/// What a session's close record says beyond how it ended. It lives as long as the session.
pub(crate) struct Record {
    pub(crate) worker: Arc<Worker>,
    /// And not the route: its clusters may have gone long before the session does.
    pub(crate) metrics: Arc<RouteMetrics>,
    pub(crate) affinity: AffinityResult,
    pub(crate) protocol: labels::Protocol,
}

impl Record {
    fn of(join: &Join, protocol: labels::Protocol) -> Self {
        Self {
            protocol,
            worker: Arc::clone(&join.worker),
            metrics: Arc::clone(&join.route.metrics),
            affinity: join.affinity,
        }
    }

    /// It ended before anything was relayed.
    fn abandoned(self, session: &SessionInfo, outcome: Outcome) {
        let duration = session.opened.elapsed();
        let closed = Closed {
            outcome,
            from_downstream: Traffic::default(),
            from_upstream: Traffic::default(),
            duration,
            idle: duration,
            ping_rtt_downstream: None,
            ping_rtt_upstream: None,
        };
        self.closed(session, &closed);
    }

    /// Another process goes on with it.
    pub(crate) fn handed_over(self, session: &SessionInfo) {
        self.worker.upgrade.handed_over();
        Moving::told(session).handed_over();
    }

    pub(crate) fn closed(self, session: &SessionInfo, closed: &Closed) {
        let outcome = closed.outcome;
        let (initiator, code) = (initiator(outcome.initiator), outcome.code.get());
        let reason = outcome.cause.reason();
        self.metrics
            .session_closed(self.protocol, code, initiator, reason, closed.duration);
        if let Some(events) = self.worker.push.events() {
            let ended = Ended {
                code: Some(code),
                reason,
                initiator: initiator.as_str(),
                lasted: closed.duration,
            };
            events.closed(session, ended);
        }
        if self.is_drained(session) {
            self.worker.drain.closed(drained(outcome));
        }
        access::Closed {
            session: &Spelled::number(session.id.get()),
            request_id: &session.request_id.text(),
            route: &session.route,
            cluster: &session.cluster,
            endpoint: &session.endpoint,
            client: session.client,
            protocol: self.protocol,
            affinity: self.affinity,
            initiator,
            code,
            reason,
            duration: closed.duration,
            idle: closed.idle,
            silent: silent(outcome.cause),
            ping_rtt_downstream: closed.ping_rtt_downstream,
            ping_rtt_upstream: closed.ping_rtt_upstream,
            from_downstream: traffic(closed.from_downstream),
            from_upstream: traffic(closed.from_upstream),
        }
        .emit();
    }
}

impl Record {
    /// Whether the session went while what it was part of was drained.
    fn is_drained(&self, session: &SessionInfo) -> bool {
        let place = Place {
            listener: &session.listener,
            route: &session.route,
            cluster: &session.cluster,
            endpoint: &session.endpoint,
        };
        self.worker.watch.phase() >= Phase::Draining || self.worker.drains.cover(&place)
    }
}

/// Whether the endpoint answers for how a session ended.
pub(crate) fn end(outcome: Outcome) -> End {
    match (outcome.initiator, outcome.cause) {
        (Initiator::Upstream, _) | (_, Cause::PingTimeout(Side::Upstream)) => {
            End::ByEndpoint(outcome.code.get())
        }
        (Initiator::Downstream | Initiator::Gateway, _) => End::ByOthers,
    }
}

/// The side that had given no sign of life, where that ended the session.
fn silent(cause: Cause) -> Option<labels::Side> {
    if let Cause::PingTimeout(dead) = cause {
        return Some(match dead {
            Side::Downstream => labels::Side::Downstream,
            Side::Upstream => labels::Side::Upstream,
        });
    }
    None
}

/// How a session went that was there when the worker began to drain.
fn drained(outcome: Outcome) -> DrainResult {
    match outcome.cause {
        Cause::Drain if outcome.clean => DrainResult::Clean,
        Cause::Drain => DrainResult::Unanswered,
        Cause::DrainDeadline | Cause::Shutdown => DrainResult::Cut,
        Cause::CloseFrame
        | Cause::Eof
        | Cause::Reset
        | Cause::Violation(_)
        | Cause::IdleTimeout
        | Cause::PingTimeout(_)
        | Cause::MaxLifetime
        | Cause::Admin
        | Cause::EndpointLeft
        | Cause::Rebalanced
        | Cause::Reload
        | Cause::SlowReceiver
        | Cause::Internal => DrainResult::Left,
    }
}

fn initiator(initiator: Initiator) -> labels::Initiator {
    match initiator {
        Initiator::Downstream => labels::Initiator::Downstream,
        Initiator::Upstream => labels::Initiator::Upstream,
        Initiator::Gateway => labels::Initiator::Gateway,
    }
}

fn traffic(traffic: Traffic) -> access::Traffic {
    access::Traffic {
        bytes: traffic.bytes,
        messages: traffic.messages,
        largest_message: traffic.largest_message,
    }
}

#[cfg(test)]
mod tests;
