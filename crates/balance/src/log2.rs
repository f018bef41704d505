//! The binary logarithm in integers, so that every machine gets the same bits.

/// How many bits of a result stand behind the point.
pub(crate) const FRACTION: u32 = 40;

/// The base-2 logarithm of `number`, in units of 2^-[`FRACTION`], rounded down; of 0 that of 1.
///
/// It never falls when `number` rises. Each squaring of the mantissa gives one bit.
pub(crate) fn log2(number: u64) -> u64 {
    let number = number.max(1);
    let whole = number.ilog2();
    let mut mantissa = number << (63 - whole);
    let mut log = u64::from(whole);
    for _ in 0..FRACTION {
        let (_, high) = mantissa.carrying_mul(mantissa, 0);
        let bit = high >> 63;
        log = log << 1 | bit;
        mantissa = if bit == 1 { high } else { high << 1 };
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_of_two_are_exact() {
        for power in 0..64u32 {
            assert_eq!(log2(1 << power), u64::from(power) << FRACTION);
        }
        assert_eq!(log2(0), 0);
    }

    #[test]
    fn the_result_never_changes() {
        assert_eq!(log2(3), 1_742_684_699_131);
        assert_eq!(log2(u64::MAX), (64 << FRACTION) - 1);
    }

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "floats are close enough to compare with")]
        fn it_is_the_logarithm(number in 1u64.., shift in 0u32..64) {
            let number = (number >> shift).max(1);
            let difference = log2(number) as f64 / (1u64 << FRACTION) as f64 - (number as f64).log2();
            prop_assert!(difference.abs() < 1e-11, "off by {difference}");
        }

        #[test]
        fn it_never_falls(number in 0..u64::MAX, step in 1u64..1 << 20) {
            prop_assert!(log2(number) <= log2(number.saturating_add(step)));
        }
    }
}
