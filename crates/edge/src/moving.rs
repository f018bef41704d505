//! A session as it goes from one process to the next: what the edge knows of it, with what the relay does.
//!
//! Not here: the session's task (`join`), and how it is taken in at the other side (`berth`).

use std::time::Instant;

use switchyard_proto::record::{Malformed, Reader, Writer};
use switchyard_relay::{SessionInfo, Still};
use switchyard_telemetry::access;
use switchyard_telemetry::labels::AffinityResult;

use crate::subscription::Subscription;

/// Everything that the other process needs besides the two connections. Only sessions of HTTP/1.1 move.
#[derive(Clone, Debug)]
pub struct Moving {
    pub(crate) still: Still,
    pub(crate) affinity: AffinityResult,
    /// What it is subscribed to, and what it had last where that is kept.
    pub(crate) subscription: Subscription,
}

impl Moving {
    /// As bytes, at `now`.
    #[must_use]
    pub fn encode(&self, now: Instant) -> Vec<u8> {
        let mut to = Writer::new();
        to.u8(match self.affinity {
            AffinityResult::Owner => 0,
            AffinityResult::Overflow => 1,
            AffinityResult::Failover => 2,
            AffinityResult::None => 3,
        });
        self.subscription.write(&mut to);
        self.still.write(&mut to, now);
        to.finish()
    }

    /// What the bytes say, as if it had been written at `now`.
    ///
    /// # Errors
    /// They are no such record.
    pub fn decode(bytes: &[u8], now: Instant) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        let affinity = match from.u8()? {
            0 => AffinityResult::Owner,
            1 => AffinityResult::Overflow,
            2 => AffinityResult::Failover,
            3 => AffinityResult::None,
            _ => return Err(Malformed),
        };
        let subscription = Subscription::read(&mut from)?;
        let still = Still::read(&mut from, now)?;
        from.end()?;
        Ok(Self {
            still,
            affinity,
            subscription,
        })
    }

    /// What is told of a session when it moves.
    pub(crate) fn told(info: &SessionInfo) -> access::Moved<'_> {
        access::Moved {
            session: &info.id,
            request_id: &info.request_id,
            listener: &info.listener,
            route: &info.route,
            cluster: &info.cluster,
            endpoint: &info.endpoint,
            client: info.client,
            duration: switchyard_relay::now().saturating_duration_since(info.opened),
        }
    }
}
