//! A whole number and a unit: what durations and sizes have in common.

use super::Complaint;

/// Units by name, each with its factor; those that are preferred when writing come first.
pub(super) struct Units(pub(super) &'static [(&'static str, u64)]);

/// Why a text is no number with a unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault<'t> {
    NoNumber,
    NoUnit,
    UnknownUnit { number: &'t str, unit: &'t str },
}

impl Units {
    /// A number beyond all measure is the largest: out of range, not malformed.
    pub(super) fn read<'t>(&self, text: &'t str) -> Result<u64, Fault<'t>> {
        let end = text.bytes().take_while(u8::is_ascii_digit).count();
        let Some((number, unit)) = text.split_at_checked(end).filter(|_| end > 0) else {
            return Err(Fault::NoNumber);
        };
        if unit.is_empty() {
            return Err(Fault::NoUnit);
        }
        match self.0.iter().find(|(name, _)| *name == unit) {
            Some((_, factor)) => Ok(number
                .parse::<u64>()
                .unwrap_or(u64::MAX)
                .saturating_mul(*factor)),
            None => Err(Fault::UnknownUnit { number, unit }),
        }
    }

    /// With the first unit that divides it.
    pub(super) fn write(&self, amount: u64) -> String {
        let divides = |(_, factor): &&(&str, u64)| amount > 0 && amount.is_multiple_of(*factor);
        let unit = self.0.iter().find(divides).or(self.0.last());
        unit.map_or_else(String::new, |(name, factor)| {
            format!("{}{name}", amount / factor)
        })
    }

    /// `1ms to 8760h`.
    pub(super) fn range(&self, min: u64, max: u64) -> String {
        format!("{} to {}", self.write(min), self.write(max))
    }

    /// Refuses what is not between the two.
    pub(super) fn bound(
        &self,
        text: &str,
        amount: u64,
        min: u64,
        max: u64,
    ) -> Result<u64, Complaint> {
        if (min..=max).contains(&amount) {
            return Ok(amount);
        }
        let complaint = Complaint::new(format!("`{text}` is out of range"));
        Err(complaint.help(format!(
            "it may be from {} to {}",
            self.write(min),
            self.write(max)
        )))
    }
}
