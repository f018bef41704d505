//! Factors: how many times something may be of something else.

use serde_json::{Value as Json, json};

use super::{Complaint, Scalar};

/// A factor in hundredths, from `MIN` to `MAX`: `1.25` is 125.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Factor<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Scalar for Factor<MIN, MAX> {
    const KIND: &'static str = "a factor";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let bounds = format!("{} to {}", written(MIN), written(MAX));
        let Some(hundredths) = hundredths(text) else {
            return Err(
                Complaint::new(format!("`{text}` is not a factor")).help(format!(
                    "write a number from {bounds} with at most two decimals, such as 1.25"
                )),
            );
        };
        match u32::try_from(hundredths) {
            Ok(factor) if (MIN..=MAX).contains(&factor) => Ok(Self(factor)),
            _ => Err(Complaint::new(format!("`{text}` is out of range"))
                .help(format!("it may be from {bounds}"))),
        }
    }

    fn range() -> Option<String> {
        Some(format!("{} to {}", written(MIN), written(MAX)))
    }

    fn schema() -> Json {
        json!({ "type": "number", "minimum": f64::from(MIN) / 100.0, "maximum": f64::from(MAX) / 100.0 })
    }
}

/// A number with at most two decimals, times a hundred; one that is too large for that is the largest.
fn hundredths(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(decimals) || decimals.len() > 2 {
        return None;
    }
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    let decimals = format!("{decimals:0<2}").parse::<u64>().ok()?;
    Some(whole.saturating_mul(100).saturating_add(decimals))
}

fn written(hundredths: u32) -> String {
    (f64::from(hundredths) / 100.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Above = Factor<101, 1000>;

    #[test]
    fn numbers_with_two_decimals_are_read() {
        for (text, hundredths) in [
            ("1.25", 125),
            ("1.2", 120),
            ("2", 200),
            ("1.01", 101),
            ("10", 1000),
        ] {
            assert_eq!(Above::parse(text), Ok(Factor(hundredths)));
        }
    }

    #[test]
    fn what_is_not_one_is_told_from_what_is_out_of_range() {
        for text in [
            "", ".", "1.", ".5", "-1.2", "1.255", "1,25", "125%", "1e1", "x",
        ] {
            let complaint = Above::parse(text).unwrap_err();
            assert_eq!(complaint.message, format!("`{text}` is not a factor"));
        }
        for text in ["1", "1.00", "0.5", "10.01", "99999999999999999999999"] {
            let complaint = Above::parse(text).unwrap_err();
            assert_eq!(complaint.message, format!("`{text}` is out of range"));
            assert_eq!(complaint.help.as_deref(), Some("it may be from 1.01 to 10"));
        }
    }
}
