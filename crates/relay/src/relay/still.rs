//! A session that holds still, as another process needs it: the session machine, who it is, and the
//! bytes that were read and are not written.
//!
//! Not here: its connections, and what a route or an endpoint is called there.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use switchyard_proto::Side;
use switchyard_proto::record::{Malformed, Reader, Writer};
use switchyard_proto::session::{Frozen, Policy, Session};
use switchyard_telemetry::RouteTraffic;

use super::early::Early;
use super::line::{Line, Outlet};
use super::{Relay, RelayLimits};
use crate::leg::Wires;
use crate::meter::direction;
use crate::pending::{Pending, signed};
use crate::registry::Ticket;
use crate::request_id::RequestId;
use crate::session_info::{SessionId, SessionInfo, Tie};

/// See the module.
#[derive(Clone, Debug)]
pub struct Still {
    /// Who it is.
    pub info: SessionInfo,
    idle: Duration,
    session: Frozen,
    downstream: Kept,
    upstream: Kept,
}

/// Bytes that are kept of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    /// It has not taken them yet.
    unwritten: Vec<u8>,
    /// They came from it with its handshake, and the session machine has not seen them.
    early: Bytes,
}

impl<D, U> Relay<D, U> {
    /// What another process needs to go on from here; `None` where an end has begun, or where messages of the gateway's own
    /// wait for the client: these stay with their session, so that none is lost that could be delivered. What is published
    /// to it from now on is lost, if another process does go on.
    pub fn export(&self, now: Instant) -> Option<Still> {
        let takes = |side| self.line(side).outlet == Outlet::Open;
        let line = self.line(Side::Downstream);
        let is_in_message = line.pending.as_ref().is_some_and(|it| it.has_message());
        if !Side::BOTH.into_iter().all(takes) || is_in_message || self.ticket.has_messages() {
            return None;
        }
        let session = self.session.export(now)?;
        let kept = |side| {
            let pending = self.line(side).pending.as_ref();
            let early = self.early.as_ref();
            Kept {
                unwritten: pending.map_or_else(Vec::new, |pending| pending.rest().to_vec()),
                early: early.map_or_else(Bytes::new, |early| early.of(side).clone()),
            }
        };
        Some(Still {
            info: self.ticket.info().clone(),
            idle: self.ticket.idle(now),
            session,
            downstream: kept(Side::Downstream),
            upstream: kept(Side::Upstream),
        })
    }

    /// Both connections.
    pub fn connections(&self) -> (&D, &U) {
        (&self.wires.downstream, &self.wires.upstream)
    }

    /// Goes on with a session over these connections, which are what they were, under `policy` and
    /// `limits`, which may be others. The ticket is for the still's info.
    pub fn restore(
        (downstream, upstream): (D, U),
        still: Still,
        ticket: Ticket,
        traffic: &Arc<RouteTraffic>,
        (policy, limits): (&Arc<Policy>, RelayLimits),
        random: impl FnMut() -> u64,
    ) -> Self {
        let now = crate::now();
        if let Some(active) = now.checked_sub(still.idle) {
            ticket.touch(active);
        }
        let traffic = traffic.session();
        let line = |side: Side, unwritten: &[u8]| {
            let mut line = Line::new();
            if !unwritten.is_empty() {
                let mut pending = Pending::new(now);
                pending.push(unwritten);
                traffic.buffered(direction(side.other()), signed(unwritten.len()));
                line.pending = Some(Box::new(pending));
            }
            line
        };
        Self {
            wires: Wires {
                downstream,
                upstream,
            },
            downstream: line(Side::Downstream, &still.downstream.unwritten),
            upstream: line(Side::Upstream, &still.upstream.unwritten),
            early: Early::new(still.downstream.early, still.upstream.early),
            session: Session::restore(still.session, Arc::clone(policy), random, now),
            ticket,
            traffic,
            read_limit: limits.read(),
            alarm: None,
        }
    }
}

impl Still {
    /// Writes it down, as it is at `now`.
    pub fn write(&self, to: &mut Writer, now: Instant) {
        let info = &self.info;
        to.u64(info.id.get());
        to.text(&info.listener);
        to.text(&info.route);
        to.text(&info.cluster);
        to.text(&info.endpoint);
        match info.client {
            IpAddr::V4(client) => to.bytes(&client.octets()),
            IpAddr::V6(client) => to.bytes(&client.octets()),
        }
        to.text(&info.request_id.to_string());
        to.duration(now.saturating_duration_since(info.opened));
        match info.tie {
            Tie::Nothing => to.u8(0),
            Tie::Value(hash) => {
                to.u8(1);
                to.u64(hash);
            }
            Tie::Cookie => to.u8(2),
        }
        to.duration(self.idle);
        self.session.write(to);
        for kept in [&self.downstream, &self.upstream] {
            to.bytes(&kept.unwritten);
            to.bytes(&kept.early);
        }
    }

    /// Reads one that was written down, as if that had been at `now`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(from: &mut Reader<'_>, now: Instant) -> Result<Self, Malformed> {
        Ok(Self {
            info: SessionInfo {
                id: SessionId::of(from.u64()?),
                listener: from.text()?.into(),
                route: from.text()?.into(),
                cluster: from.text()?.into(),
                endpoint: from.text()?.into(),
                client: address(from.bytes()?)?,
                request_id: RequestId::from(from.text()?),
                opened: now.checked_sub(from.duration()?).ok_or(Malformed)?,
                tie: tie(from)?,
            },
            idle: from.duration()?,
            session: Frozen::read(from)?,
            downstream: Kept::read(from)?,
            upstream: Kept::read(from)?,
        })
    }
}

impl Kept {
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            unwritten: from.bytes()?.to_vec(),
            early: Bytes::copy_from_slice(from.bytes()?),
        })
    }
}

fn address(octets: &[u8]) -> Result<IpAddr, Malformed> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_longer| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .map_err(|_neither| Malformed)
}

fn tie(from: &mut Reader<'_>) -> Result<Tie, Malformed> {
    match from.u8()? {
        0 => Ok(Tie::Nothing),
        1 => from.u64().map(Tie::Value),
        2 => Ok(Tie::Cookie),
        _ => Err(Malformed),
    }
}
