//! Masking (RFC 6455 section 5.3): the XOR over a payload, and the keys of the gateway's own
//! frames.
//!
//! Not a source of randomness: the seed is handed in.

/// A masking key as it stands in a header.
pub type MaskKey = [u8; 4];

/// Masks or unmasks `payload` in place: the transformation is its own inverse.
pub fn apply(payload: &mut [u8], key: MaskKey) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Masking keys drawn from a seed with `SplitMix64`. They are as hard to predict as the seed is
/// (section 10.3 asks for that because of proxies that parse what a browser's script sends; a
/// script has no say in the frames that take keys from here).
#[derive(Clone, Debug)]
pub struct MaskKeys(u64);

impl MaskKeys {
    /// Keys that follow from `seed` alone.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// What [`new`](Self::new) needs for the keys that are still to come.
    pub const fn seed(&self) -> u64 {
        self.0
    }

    /// The next key.
    pub fn draw(&mut self) -> MaskKey {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let [a, b, c, d, ..] = word.to_be_bytes();
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfc_example_is_unmasked() {
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        apply(&mut payload, [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn keys_follow_from_the_seed_and_differ() {
        let mut keys = MaskKeys::new(0);
        let first = keys.draw();
        // The first output of SplitMix64 with seed 0 is e220a8397b1dcdaf.
        assert_eq!(first, [0xe2, 0x20, 0xa8, 0x39]);
        assert_ne!(keys.draw(), first);
    }
}
