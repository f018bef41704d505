//! One of those a session can go to, as the balancers see it.

use std::hash::Hasher;
use std::num::NonZeroU32;

use crate::key::HashKey;

/// A member of a cluster: an identity, hashed, and a weight. Where it stands in the configuration
/// is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    hash: u64,
    weight: NonZeroU32,
}

impl Member {
    /// The member called `id`, which on every replica has to be the same text. Its share of the
    /// sessions is its weight, of the sum of all weights.
    pub fn new(key: &HashKey, id: &str, weight: NonZeroU32) -> Self {
        let mut hasher = key.hasher(b'm');
        hasher.write(id.as_bytes());
        Self {
            hash: hasher.finish(),
            weight,
        }
    }

    /// The same member with another weight.
    #[must_use]
    pub fn with_weight(self, weight: NonZeroU32) -> Self {
        Self { weight, ..self }
    }

    /// The weight.
    pub fn weight(&self) -> NonZeroU32 {
        self.weight
    }

    /// The hash of the identity.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_an_identity_never_changes() {
        let member = Member::new(&HashKey::PUBLIC, "10.0.0.11:9000", NonZeroU32::MIN);
        assert_eq!(member.hash(), 7_445_651_224_920_577_023);
    }
}
