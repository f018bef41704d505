//! A session between two calls, without a clock: what another process needs to go on from there.
//!
//! Only a session whose end has not begun: what is left of an end takes a few seconds, and stays where
//! it began. Not here: the connections, and what a caller has read or has still to write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::Plan;
use super::peer::{Inbound, Outbound, Peer, Peers, Publish};
use super::time::ago;
use super::vigil::{FrozenVigil, Vigil};
use super::{Life, Policy, Session, Traffic};
use crate::Side;
use crate::handshake::Deflate;
use crate::mask::MaskKeys;
use crate::record::{Malformed, Reader, Writer};
use crate::scanner::Scanner;

/// What a [`Session`] knows. It can be written down and read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    deflate: Deflate,
    masks: u64,
    /// How long ago anything of a data frame was seen.
    active: Duration,
    downstream: FrozenPeer,
    upstream: FrozenPeer,
    vigil: Option<FrozenVigil>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FrozenPeer {
    scanner: Scanner,
    publish: Publish,
    traffic: Traffic,
}

impl Session {
    /// What another process needs to go on from here; `None` if the end has begun, or this was not
    /// polled to its end.
    pub fn export(&self, now: Instant) -> Option<Frozen> {
        let is_open = matches!(self.life, Life::Open) && self.plan.is_empty();
        (is_open && self.peers.both(Peer::is_open)).then(|| Frozen {
            deflate: self.peers.of(Side::Downstream).deflate,
            masks: self.masks.seed(),
            active: now.saturating_duration_since(self.active),
            downstream: FrozenPeer::of(self.peers.of(Side::Downstream)),
            upstream: FrozenPeer::of(self.peers.of(Side::Upstream)),
            vigil: self.vigil.as_ref().map(|vigil| vigil.export(now)),
        })
    }

    /// Goes on from where another process was, under `policy`, which may be another than there. It is
    /// to be polled before anything else. Numbers from `random` are for Pings that begin only now.
    pub fn restore(
        frozen: Frozen,
        policy: Arc<Policy>,
        random: impl FnMut() -> u64,
        now: Instant,
    ) -> Self {
        let mut peers = Peers::new(frozen.deflate);
        frozen.downstream.put(peers.of_mut(Side::Downstream));
        frozen.upstream.put(peers.of_mut(Side::Upstream));
        Self {
            masks: MaskKeys::new(frozen.masks),
            peers,
            plan: Plan::Empty,
            active: ago(frozen.active, now),
            life: Life::Open,
            vigil: Vigil::restore(frozen.vigil, &policy, random, now),
            policy,
        }
    }
}

impl Frozen {
    /// Writes it down.
    pub fn write(&self, to: &mut Writer) {
        to.flag(self.deflate == Deflate::On);
        to.u64(self.masks);
        to.duration(self.active);
        self.downstream.write(to);
        self.upstream.write(to);
        to.option(self.vigil.as_ref(), |to, vigil| vigil.write(to));
    }

    /// Reads one that was written down.
    ///
    /// # Errors
    /// It is none.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            deflate: if from.flag()? {
                Deflate::On
            } else {
                Deflate::Off
            },
            masks: from.u64()?,
            active: from.duration()?,
            downstream: FrozenPeer::read(from)?,
            upstream: FrozenPeer::read(from)?,
            vigil: from.option(FrozenVigil::read)?,
        })
    }
}

impl FrozenPeer {
    fn of(peer: &Peer) -> Self {
        Self {
            scanner: peer.scanner.clone(),
            publish: peer.publish,
            traffic: peer.traffic,
        }
    }

    fn put(self, peer: &mut Peer) {
        peer.scanner = self.scanner;
        peer.publish = self.publish;
        peer.traffic = self.traffic;
    }

    fn write(&self, to: &mut Writer) {
        self.scanner.write(to);
        to.flag(self.publish == Publish::Due);
        to.u64(self.traffic.bytes);
        to.u64(self.traffic.messages);
        to.u64(self.traffic.largest_message);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            scanner: Scanner::read(from)?,
            publish: if from.flag()? {
                Publish::Due
            } else {
                Publish::No
            },
            traffic: Traffic {
                bytes: count(from)?,
                messages: count(from)?,
                largest_message: from.u64()?,
            },
        })
    }
}

/// A count that can go on.
fn count(from: &mut Reader<'_>) -> Result<u64, Malformed> {
    let count = from.u64()?;
    (count < 1 << 63).then_some(count).ok_or(Malformed)
}

impl Peer {
    /// Whether nothing of an end has begun on either stream.
    fn is_open(&self) -> bool {
        self.inbound == Inbound::Open && matches!(self.outbound, Outbound::Open)
    }
}
