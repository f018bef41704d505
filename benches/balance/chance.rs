//! Numbers that look like chance and are the same on every run and machine: integers from a seed.

/// The generator `SplitMix64`.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let (_, number) = end.carrying_mul(self.number(), 0);
        number
    }

    /// A place in something that has `len` of them.
    pub(crate) fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// The numbers below `count`, in any order.
    pub(crate) fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            numbers.swap(last, self.place(last + 1));
        }
        numbers
    }

    /// `draws` numbers below `count`, by Zipf's law with the exponent 1: the second comes half as often
    /// as the first, the third a third as often.
    pub(crate) fn zipf(&mut self, count: u32, draws: usize) -> Vec<u32> {
        let mut sum = 0;
        let sums: Vec<u64> = (1..=u64::from(count))
            .map(|rank| {
                sum += (1 << 40) / rank;
                sum
            })
            .collect();
        let draw = |_| {
            let at = self.below(sum);
            let found = sums.partition_point(|sum| *sum <= at);
            u32::try_from(found).unwrap_or(0)
        };
        (0..draws).map(draw).collect()
    }
}
