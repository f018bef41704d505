//! Weighted random order.

use crate::member::Member;
use crate::race::Race;

/// The indices of all `members`, in an order drawn by weight from the one number `random`, which
/// should be as likely as any other.
pub fn order(random: u64, members: &[Member]) -> impl Iterator<Item = usize> + use<> {
    Race::new(members, |member| mix(random.wrapping_add(member.hash())))
}

/// The output function of `SplitMix64`: inputs that are alike give outputs that are not.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_shares, is_permutation, members, weights};
    use proptest::prelude::*;

    #[test]
    fn mixing_is_that_of_splitmix64() {
        // The generator's first outputs from seed 1234567.
        let gamma = 0x9e37_79b9_7f4a_7c15_u64;
        let outputs = [1, 2, 3].map(|step| mix(gamma.wrapping_mul(step).wrapping_add(1_234_567)));
        assert_eq!(
            outputs,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn first_and_second_choices_follow_weights() {
        let weights = [1, 1, 2, 4, 8];
        let members = members(&weights);
        let (mut first, mut behind_last) = ([0; 5], [0; 4]);
        for random in 0..40_000 {
            let order: Vec<usize> = order(random, &members).collect();
            first[order[0]] += 1;
            if order[0] == 4 {
                behind_last[order[1]] += 1;
            }
        }
        assert_shares(&first, &weights);
        assert_shares(&behind_last, &weights[..4]);
    }

    proptest! {
        #[test]
        fn every_order_is_a_permutation(weights in weights(), random: u64) {
            let order: Vec<usize> = order(random, &members(&weights)).collect();
            prop_assert!(is_permutation(&order, weights.len()));
        }
    }
}
