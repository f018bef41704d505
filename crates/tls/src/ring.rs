//! The keys of tickets at one time: derived, never stored, the same wherever the secret is.

use std::sync::Arc;

use aws_lc_rs::aead::RandomizedNonceKey;
use aws_lc_rs::hkdf::{KeyType, Prk};

use crate::secret::{Period, State};
use crate::tickets;

/// Bytes of a key's name, which goes in front of a ticket.
pub(crate) const KEY_NAME: usize = 16;

/// Bytes of a key.
const KEY: usize = 32;

/// What is derived for each period: a name and a key.
const DERIVED: usize = KEY_NAME + KEY;

/// Parts names from keys that are derived for anything else.
const LABEL: &[u8] = b"switchyard ticket key\0";

/// The keys that open tickets now; the first of them seals.
pub(crate) struct Ring {
    state: Arc<State>,
    period: Period,
    keys: Vec<Named>,
}

struct Named {
    name: [u8; KEY_NAME],
    key: RandomizedNonceKey,
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        DERIVED
    }
}

impl Ring {
    /// Tickets of the period before and of the one after are opened too: they were made a while
    /// ago, or by a replica whose clock is ahead.
    pub(crate) fn new(state: &Arc<State>, scope: &[u8; 32], period: Period) -> Self {
        let periods = [Some(period), period.before(), period.after()];
        let secrets = [Some(&state.current), state.before(period)];
        let pairs = secrets.into_iter().flatten();
        let pairs = pairs.flat_map(|secret| periods.iter().flatten().map(move |it| (secret, it)));
        Self {
            state: Arc::clone(state),
            period,
            keys: pairs
                .filter_map(|(secret, period)| derive(secret, scope, *period))
                .collect(),
        }
    }

    /// Whether these are the keys for that time and that secret.
    pub(crate) fn is_of(&self, state: &Arc<State>, period: Period) -> bool {
        self.period == period && Arc::ptr_eq(&self.state, state)
    }

    pub(crate) fn sealing(&self) -> Option<(&[u8], &RandomizedNonceKey)> {
        let first = self.keys.first()?;
        Some((&first.name, &first.key))
    }

    pub(crate) fn opening(&self, name: &[u8; KEY_NAME]) -> Option<&RandomizedNonceKey> {
        let found = self.keys.iter().find(|it| it.name == *name)?;
        Some(&found.key)
    }
}

/// `None` cannot be: the lengths are what the algorithms want.
fn derive(secret: &Prk, scope: &[u8; 32], period: Period) -> Option<Named> {
    let mut derived = [0; DERIVED];
    let number = period.number().to_be_bytes();
    let info: [&[u8]; 3] = [LABEL, &number, scope];
    secret.expand(&info, Length).ok()?.fill(&mut derived).ok()?;
    let (name, key) = derived.split_first_chunk()?;
    Some(Named {
        name: *name,
        key: tickets::key(key)?,
    })
}
