//! Base64 with padding (RFC 4648 section 4) of the two lengths that a handshake needs: the 16
//! bytes of a key and the 20 of a SHA-1 digest. There is no decoder, for nothing is decoded.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes `IN` bytes as the `OUT` characters they take.
pub(super) fn encode<const IN: usize, const OUT: usize>(bytes: &[u8; IN]) -> [u8; OUT] {
    const { assert!(OUT == IN.div_ceil(3) * 4) };
    let mut text = [b'='; OUT];
    for (three, four) in bytes.chunks(3).zip(text.chunks_mut(4)) {
        let padded = three.iter().chain(&[0, 0]).take(3);
        let bits = padded.fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        for (digit, shift) in four.iter_mut().zip([18, 12, 6, 0]).take(three.len() + 1) {
            *digit = ALPHABET
                .get(bits >> shift & 0x3f)
                .copied()
                .unwrap_or_default();
        }
    }
    text
}

/// Whether `byte` is one of the 64 digits; the padding is not.
pub(super) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_encode() {
        assert_eq!(&encode::<1, 4>(b"f"), b"Zg==");
        assert_eq!(&encode::<2, 4>(b"fo"), b"Zm8=");
        assert_eq!(&encode::<3, 4>(b"foo"), b"Zm9v");
        assert_eq!(&encode::<6, 8>(b"foobar"), b"Zm9vYmFy");
    }

    #[test]
    fn the_digits_are_the_alphabet() {
        let digits: Vec<u8> = (0..=u8::MAX).filter(|byte| is_digit(*byte)).collect();
        let mut alphabet = ALPHABET.to_vec();
        alphabet.sort_unstable();
        assert_eq!(digits, alphabet);
        assert_eq!(&encode::<3, 4>(&[0xfb, 0xef, 0xff]), b"++//");
    }
}
