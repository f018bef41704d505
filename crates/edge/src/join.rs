//! From the 101 to the close record: the client's connection is taken out of hyper and joined with
//! the endpoint's.
//!
//! The wait for hyper is one task and the relay another: the relay's task lives for hours and is
//! to be no larger than it must, and nothing of the request or of hyper's buffers is in it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use switchyard_drain::Phase;
use switchyard_proto::CloseCode;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{Cause, Initiator, Outcome, Session};
use switchyard_relay::{Closed, Handle, Leg, Relay, Ticket, Traffic};
use switchyard_telemetry::access;
use switchyard_telemetry::labels::{self, AffinityResult, DrainResult};
use switchyard_upstream::{Lease, Socket};

use crate::io::{Seated, Transport, Watched};
use crate::route::Route;
use crate::worker::Worker;

/// A session that waits for its client's connection.
pub(crate) struct Join {
    pub(crate) worker: Arc<Worker>,
    pub(crate) route: Arc<Route>,
    pub(crate) upstream: Leg<Socket>,
    pub(crate) deflate: Deflate,
    pub(crate) ticket: Ticket,
    pub(crate) lease: Lease,
    pub(crate) affinity: AffinityResult,
}

impl Join {
    /// Relays once hyper has written the 101 and given the connection up.
    pub(crate) async fn behind<T: Transport>(self, on_upgrade: OnUpgrade) {
        let record = Record::of(&self);
        match taken_over::<T>(on_upgrade).await {
            Some(downstream) => self.relay(downstream, record),
            None => record.abandoned(),
        }
    }

    fn relay<T: Transport>(self, downstream: Leg<Seated<T>>, record: Record) {
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
            worker.random.next(),
            now,
        );
        let traffic = worker.metrics.route(&route.name);
        let relay = Relay::new(
            downstream,
            upstream,
            session,
            ticket,
            &traffic,
            route.limits,
        );
        worker.tasks.spawn(async move {
            let closed = relay.await;
            drop(lease);
            record.closed(&closed);
        });
    }
}

/// The client's connection and what came behind its handshake; `None` when it broke before.
async fn taken_over<T: Transport>(on_upgrade: OnUpgrade) -> Option<Leg<Seated<T>>> {
    let upgraded = on_upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Watched<T>>>().ok()?;
    Some(Leg {
        io: parts.io.into_inner().into_inner(),
        early: owned(&parts.read_buf),
    })
}

/// A copy of its own: the original would keep hyper's buffer of 8 KiB alive, even when empty.
fn owned(early: &Bytes) -> Bytes {
    Bytes::copy_from_slice(early)
}

/// What a session's close record says beyond how it ended. It lives as long as the session.
struct Record {
    handle: Handle,
    worker: Arc<Worker>,
    route: Arc<Route>,
    affinity: AffinityResult,
}

impl Record {
    fn of(join: &Join) -> Self {
        Self {
            handle: Handle::clone(&join.ticket),
            worker: Arc::clone(&join.worker),
            route: Arc::clone(&join.route),
            affinity: join.affinity,
        }
    }

    /// The client's connection broke while the 101 was on its way.
    fn abandoned(self) {
        let duration = self.handle.info().opened.elapsed();
        self.closed(&Closed {
            outcome: Outcome {
                initiator: Initiator::Downstream,
                code: CloseCode::ABNORMAL,
                cause: Cause::Reset,
                clean: false,
            },
            from_downstream: Traffic::default(),
            from_upstream: Traffic::default(),
            duration,
            idle: duration,
        });
    }

    fn closed(self, closed: &Closed) {
        let outcome = closed.outcome;
        let (initiator, code) = (initiator(outcome.initiator), outcome.code.get());
        let reason = outcome.cause.reason();
        self.route
            .metrics
            .session_closed(code, initiator, reason, closed.duration);
        if self.worker.watch.phase() >= Phase::Draining {
            self.worker.drain.closed(drained(&outcome));
        }
        let info = self.handle.info();
        access::Closed {
            session: &info.id,
            request_id: &info.request_id,
            route: &info.route,
            cluster: &info.cluster,
            endpoint: &info.endpoint,
            client: info.client,
            affinity: self.affinity,
            initiator,
            code,
            reason,
            duration: closed.duration,
            idle: closed.idle,
            from_downstream: traffic(closed.from_downstream),
            from_upstream: traffic(closed.from_upstream),
        }
        .emit();
    }
}

/// How a session went that was there when the worker began to drain.
fn drained(outcome: &Outcome) -> DrainResult {
    match outcome.cause {
        Cause::Drain if outcome.clean => DrainResult::Clean,
        Cause::Drain => DrainResult::Unanswered,
        Cause::DrainDeadline | Cause::Shutdown => DrainResult::Cut,
        Cause::CloseFrame
        | Cause::Eof
        | Cause::Reset
        | Cause::Violation(_)
        | Cause::IdleTimeout
        | Cause::Admin => DrainResult::Left,
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
