//! Shares of a whole, in percent.

use serde_json::{Value as Json, json};

use super::{Complaint, Scalar};

/// A whole number of percent, from 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Percent(pub(crate) u32);

impl Scalar for Percent {
    const KIND: &'static str = "a percentage";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let help = "write a whole number and `%`, from `1%` to `100%`";
        let Some(digits) = text.strip_suffix('%') else {
            return Err(Complaint::new(format!("`{text}` is not a percentage")).help(help));
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Complaint::new(format!("`{text}` is not a percentage")).help(help));
        }
        match digits.parse() {
            Ok(number @ 1..=100) => Ok(Self(number)),
            _ => Err(Complaint::new(format!("`{text}` is out of range"))
                .help("it may be from 1% to 100%")),
        }
    }

    fn range() -> Option<String> {
        Some("1% to 100%".to_owned())
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^0*([1-9][0-9]?|100)%$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_percentages_of_a_whole_are_read() {
        assert_eq!(Percent::parse("1%"), Ok(Percent(1)));
        assert_eq!(Percent::parse("100%"), Ok(Percent(100)));
        for text in [
            "0%",
            "101%",
            "50",
            "%",
            "-1%",
            "1.5%",
            "50 %",
            "",
            "99999999999%",
        ] {
            assert!(Percent::parse(text).is_err(), "{text:?}");
        }
    }
}
