//! Tickets: what a client brings back to go on from an earlier handshake (RFC 5077, RFC 8446
//! section 4.6.1), sealed so that any replica with the same secret can open it.
//!
//! A ticket is the name of a key, a random nonce, and what the library wants to see again under
//! AES-256-GCM. Not here: what is in it, and where the secret comes from.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use tokio_rustls::rustls::server::ProducesTickets;

use crate::ring::{KEY_NAME, Ring};
use crate::secret::{PERIOD, Period, Secrets};

/// A client may show a chain of any length, and its tickets carry it. They must fit into its next
/// hello, which must fit into a record.
const LARGEST: usize = 8 * 1024;

/// Now, in seconds since 1970.
pub(crate) type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Seals and opens the tickets of one listener under one set of terms.
pub(crate) struct Tickets {
    secrets: Arc<Secrets>,
    scope: [u8; 32],
    clock: Clock,
    ring: ArcSwap<Ring>,
}

impl Tickets {
    /// Tickets of another `scope` cannot be opened, nor theirs.
    pub(crate) fn new(secrets: Arc<Secrets>, scope: [u8; 32], clock: Clock) -> Self {
        let ring = Ring::new(&secrets.load(), &scope, Period::at(clock()));
        Self {
            secrets,
            scope,
            clock,
            ring: ArcSwap::from_pointee(ring),
        }
    }

    /// The keys of now. They are made when a period or a secret begins; threads that make them at
    /// the same time make the same.
    fn ring(&self) -> Arc<Ring> {
        let (secrets, period) = (self.secrets.load(), Period::at((self.clock)()));
        let ring = self.ring.load_full();
        if ring.is_of(&secrets, period) {
            return ring;
        }
        let ring = Arc::new(Ring::new(&secrets, &self.scope, period));
        self.ring.store(Arc::clone(&ring));
        ring
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        PERIOD
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        if plain.len() > LARGEST {
            return None;
        }
        let ring = self.ring();
        let (name, key) = ring.sealing()?;
        let mut sealed = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut sealed);
        Some([name, nonce.ok()?.as_ref(), &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<KEY_NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let ring = self.ring();
        let key = ring.opening(name)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key.open_in_place(nonce, Aad::from(name), &mut sealed);
        Some(plain.ok()?.to_vec())
    }
}

/// The key for tickets of these bytes.
pub(crate) fn key(bytes: &[u8]) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
