//! The secret that the keys of tickets are derived from, and the periods that they hold for.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::rand;

use crate::error::Error;

/// Seconds that one key seals for. A ticket is opened until the end of the period after its own.
pub(crate) const PERIOD: u32 = 12 * 60 * 60;

/// Keeps what is derived here apart from whatever else a secret is used for.
const SALT: &[u8] = b"switchyard tls tickets 1";

/// A span of time on which all replicas agree whose clocks do, by its number since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Period(u64);

impl Period {
    pub(crate) fn at(now: u64) -> Self {
        Self(now / u64::from(PERIOD))
    }

    pub(crate) fn before(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    pub(crate) fn after(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// What the keys of tickets are derived from.
#[derive(Clone)]
pub struct TicketSecret(Prk);

impl TicketSecret {
    /// One that nobody else has.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_unspecified| Error::NoRandomness)?;
        Ok(Self::of(&bytes))
    }

    /// One that others may have too. It is as good as `bytes` are hard to guess.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Salt::new(HKDF_SHA256, SALT).extract(bytes))
    }
}

impl fmt::Debug for TicketSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketSecret(..)")
    }
}

/// The secret in use, which may be replaced.
pub(crate) struct Secrets {
    state: ArcSwap<State>,
}

/// A secret, and the one that it replaced.
pub(crate) struct State {
    pub(crate) current: Prk,
    /// With the period in which it was replaced.
    before: Option<(Prk, Period)>,
}

impl Secrets {
    pub(crate) fn new(secret: TicketSecret) -> Self {
        Self {
            state: ArcSwap::from_pointee(State {
                current: secret.0,
                before: None,
            }),
        }
    }

    /// What tells the tickets of one listener, under one kind of terms, from all others.
    pub(crate) fn scope(listener: &str, terms: &[u8]) -> [u8; 32] {
        let parts = [listener.as_bytes(), terms].map(|part| digest(&SHA256, part));
        let parts = parts.each_ref().map(AsRef::as_ref).concat();
        let mut scope = [0; 32];
        scope.copy_from_slice(digest(&SHA256, &parts).as_ref());
        scope
    }

    pub(crate) fn load(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Seals with another secret from now on.
    pub(crate) fn replace(&self, secret: TicketSecret, now: u64) {
        let before = self.load().current.clone();
        self.state.store(Arc::new(State {
            current: secret.0,
            before: Some((before, Period::at(now))),
        }));
    }
}

impl State {
    /// The secret before this one, while its tickets are opened: to the end of the period after
    /// that in which it was replaced.
    pub(crate) fn before(&self, now: Period) -> Option<&Prk> {
        let (secret, replaced) = self.before.as_ref()?;
        (now <= replaced.after()?).then_some(secret)
    }
}
