//! A vigil without a clock: how long ago, and how long still, instead of when.

use std::time::{Duration, Instant};

use super::{Policy, Pulse, Vigil};
use crate::record::{Malformed, Reader, Writer};
use crate::session::pulse::FrozenPulse;

/// What a [`Vigil`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct FrozenVigil {
    /// How long the session may still live.
    expires: Option<Duration>,
    downstream: FrozenPulse,
    upstream: FrozenPulse,
}

impl Vigil {
    pub(in super::super) fn export(&self, now: Instant) -> FrozenVigil {
        let left = |expires: Instant| expires.saturating_duration_since(now);
        FrozenVigil {
            expires: self.expires.map(left),
            downstream: self.downstream.export(now),
            upstream: self.upstream.export(now),
        }
    }

    /// Goes on under `policy`, which may be another than before: who was to live long lives so long
    /// still, unless there is no end to it any more, and who was not pinged is pinged from now on.
    pub(in super::super) fn restore(
        frozen: Option<FrozenVigil>,
        policy: &Policy,
        random: impl FnMut() -> u64,
        now: Instant,
    ) -> Option<Box<Self>> {
        let begun = Self::new(policy, random, now);
        let Some(frozen) = frozen else {
            return begun;
        };
        let anew = begun.and_then(|begun| begun.expires);
        let left = |left: Duration| now.checked_add(left);
        let expires = anew.and_then(|anew| frozen.expires.map_or(Some(anew), left));
        Some(Box::new(Self {
            expires,
            downstream: Pulse::restore(frozen.downstream, now),
            upstream: Pulse::restore(frozen.upstream, now),
        }))
    }
}

impl FrozenVigil {
    pub(in super::super) fn write(&self, to: &mut Writer) {
        to.option(self.expires, Writer::duration);
        self.downstream.write(to);
        self.upstream.write(to);
    }

    pub(in super::super) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            expires: from.option(Reader::duration)?,
            downstream: FrozenPulse::read(from)?,
            upstream: FrozenPulse::read(from)?,
        })
    }
}
