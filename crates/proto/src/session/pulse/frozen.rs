//! A peer's pulse without a clock: how long ago, instead of when.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::super::time::ago;
use super::{Ping, Pulse};
use crate::record::{Malformed, Reader, Writer};

/// What a [`Pulse`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct FrozenPulse {
    since: Duration,
    ping: FrozenPing,
    word: u64,
    rtt: Option<NonZeroU32>,
    is_blocked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrozenPing {
    None,
    Due,
    Sent(Duration),
}

impl Pulse {
    pub(in super::super) fn export(&self, now: Instant) -> FrozenPulse {
        FrozenPulse {
            since: now.saturating_duration_since(self.since),
            ping: match self.ping {
                Ping::None => FrozenPing::None,
                Ping::Due => FrozenPing::Due,
                Ping::Sent(at) => FrozenPing::Sent(now.saturating_duration_since(at)),
            },
            word: self.word,
            rtt: self.rtt,
            is_blocked: self.is_blocked,
        }
    }

    pub(in super::super) fn restore(frozen: FrozenPulse, now: Instant) -> Self {
        Self {
            since: ago(frozen.since, now),
            ping: match frozen.ping {
                FrozenPing::None => Ping::None,
                FrozenPing::Due => Ping::Due,
                FrozenPing::Sent(at) => Ping::Sent(ago(at, now)),
            },
            word: frozen.word,
            rtt: frozen.rtt,
            is_blocked: frozen.is_blocked,
        }
    }
}

impl FrozenPulse {
    pub(in super::super) fn write(&self, to: &mut Writer) {
        to.duration(self.since);
        match self.ping {
            FrozenPing::None => to.u8(0),
            FrozenPing::Due => to.u8(1),
            FrozenPing::Sent(at) => {
                to.u8(2);
                to.duration(at);
            }
        }
        to.u64(self.word);
        to.u32(self.rtt.map_or(0, NonZeroU32::get));
        to.flag(self.is_blocked);
    }

    pub(in super::super) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            since: from.duration()?,
            ping: match from.u8()? {
                0 => FrozenPing::None,
                1 => FrozenPing::Due,
                2 => FrozenPing::Sent(from.duration()?),
                _ => return Err(Malformed),
            },
            word: from.u64()?,
            rtt: NonZeroU32::new(from.u32()?),
            is_blocked: from.flag()?,
        })
    }
}
