//! CRC-32C (Castagnoli), which version 2 may carry (RFC 3720 section 12.1).

/// The polynomial, lowest bit first.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// What each value of a byte does to the sum.
const TABLE: [u32; 256] = table();

/// The sum of all pieces, one behind the other.
pub(super) fn sum(pieces: &[&[u8]]) -> u32 {
    let bytes = pieces.iter().copied().flatten();
    !bytes.fold(!0, |sum, byte| {
        let [low, ..] = sum.to_le_bytes();
        let change = TABLE.get(usize::from(low ^ byte)).copied();
        sum >> 8 ^ change.unwrap_or_default()
    })
}

#[expect(
    clippy::indexing_slicing,
    reason = "in a constant: a wrong index would not compile"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    let mut byte = 0_u32;
    while index < table.len() {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            let carry = if sum & 1 == 1 { POLYNOMIAL } else { 0 };
            sum = sum >> 1 ^ carry;
            bit += 1;
        }
        table[index] = sum;
        index += 1;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 3720 appendix B.4, and the one that every description of CRCs has.
    #[test]
    fn known_sums() {
        let ascending: Vec<u8> = (0..32).collect();
        for (bytes, expected) in [
            (&[0; 32][..], 0x8A91_36AA),
            (&[0xFF; 32], 0x62A8_AB43),
            (&ascending, 0x46DD_794E),
            (b"123456789", 0xE306_9283),
            (b"", 0),
        ] {
            assert_eq!(sum(&[bytes]), expected, "{bytes:?}");
        }
    }

    #[test]
    fn pieces_are_one() {
        assert_eq!(sum(&[b"1234", b"", b"56789"]), sum(&[b"123456789"]));
    }
}
