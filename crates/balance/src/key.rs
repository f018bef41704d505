//! The key of all hashes, and the hash of one affinity value.
//!
//! Clients choose their affinity values, so that the hash is keyed: without the key nobody can
//! aim sessions at one endpoint. Replicas agree when they are given the same secret.
//!
//! # The hash
//! SipHash-1-3 with 64 bits of output, over a tag of one byte that says what is hashed, and the
//! parts below. Integers are little-endian.
//!
//! | tag | parts | gives |
//! |---|---|---|
//! | `a` | length of the source (4 bytes), source, value | an [`Affinity`] |
//! | `m` | identity | a member's hash |
//! | `r` | affinity (8 bytes), member's hash (8 bytes) | a draw of [`rendezvous`](crate::rendezvous) |
//! | `g` | affinity (8 bytes), number of the draw (8 bytes) | a slot of [`maglev`](crate::maglev) |
//! | `t` | 0 or 1 (1 byte), member's hash (8 bytes) | a member's first slot and step in [`maglev`](crate::maglev) |
//! | `s` | affinity (8 bytes) | a draw of [`split`](crate::split) |
//!
//! A secret becomes keys by SipHash-2-4 with 128 bits of output over its bytes, keyed with
//! `switchyard/route` for the above and `switchyard/token` for [`EndpointToken`](crate::EndpointToken).

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use siphasher::sip128::SipHasher24;

/// What all replicas of a gateway share so that they choose alike.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey {
    route: [u8; 16],
    token: [u8; 16],
}

impl HashKey {
    /// The key of a gateway that was given no secret: all zeroes. Replicas agree, but anyone can
    /// compute which endpoint owns a value, and make an endpoint's token.
    pub const PUBLIC: Self = Self {
        route: [0; 16],
        token: [0; 16],
    };

    /// The key of a secret. The secret's bytes should be as good as random: this is no function
    /// for passwords.
    pub fn derive(secret: &[u8]) -> Self {
        let derive = |label| SipHasher24::new_with_key(label).hash(secret).as_bytes();
        Self {
            route: derive(b"switchyard/route"),
            token: derive(b"switchyard/token"),
        }
    }

    /// The affinity of `value`, found in `source`. The same value from two sources is two
    /// affinities.
    pub fn affinity(&self, source: &str, value: &[u8]) -> Affinity {
        let mut hasher = self.hasher(b'a');
        write_with_length(&mut hasher, source.as_bytes());
        hasher.write(value);
        Affinity(hasher.finish())
    }

    /// A hasher for what `tag` stands for in the table above.
    pub(crate) fn hasher(&self, tag: u8) -> SipHasher13 {
        let mut hasher = SipHasher13::new_with_key(&self.route);
        hasher.write(&[tag]);
        hasher
    }

    /// A hasher that makes tokens.
    pub(crate) fn token_hasher(&self) -> SipHasher24 {
        SipHasher24::new_with_key(&self.token)
    }
}

/// Says that it is a key, not which.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// Hashes `bytes` behind their length, so that what follows cannot be taken for a part of them.
pub(crate) fn write_with_length(hasher: &mut impl Hasher, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hasher.write(&length.to_le_bytes());
    hasher.write(bytes);
}

/// The hash of what makes a client's sessions belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Affinity(u64);

impl Affinity {
    /// The hash itself, for whoever keeps it.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// What [`to_bits`](Self::to_bits) gave.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bytes that go into a hash.
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hash_of_a_value_never_changes() {
        let keyed = HashKey::derive(b"a secret of some length");
        assert_eq!(
            HashKey::PUBLIC.affinity("path:room", b"lobby"),
            Affinity(10_652_857_345_978_814_873)
        );
        assert_eq!(
            keyed.affinity("path:room", b"lobby"),
            Affinity(12_982_584_854_883_498_504)
        );
        assert_eq!(keyed.affinity("", b""), Affinity(5_770_633_054_308_512_603));
    }

    #[test]
    fn a_key_does_not_show() {
        assert_eq!(format!("{:?}", HashKey::derive(b"secret")), "HashKey(..)");
    }

    #[test]
    fn the_keys_of_a_secret_are_not_alike() {
        let key = HashKey::derive(b"secret");
        assert_ne!(key.route, key.token);
        assert_ne!(key, HashKey::derive(b"other"));
        assert_ne!(key, HashKey::PUBLIC);
    }

    proptest! {
        #[test]
        fn source_and_value_do_not_run_into_each_other(text in "[ab]{2,8}", at in 0usize..8, to in 0usize..8) {
            let (at, to) = (at.min(text.len()), to.min(text.len()));
            let split = |at| {
                let (source, value) = text.split_at(at);
                HashKey::PUBLIC.affinity(source, value.as_bytes())
            };
            prop_assert_eq!(split(at) == split(to), at == to);
        }
    }
}
