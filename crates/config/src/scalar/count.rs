//! Whole numbers.

use std::num::{NonZeroU32, NonZeroUsize};

use serde_json::{Value as Json, json};

use super::{Complaint, Scalar};
use crate::model::Workers;

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    /// The number, or 1 where `MIN` lets it be 0.
    pub(crate) fn at_least_one(self) -> NonZeroU32 {
        NonZeroU32::new(self.0).unwrap_or(NonZeroU32::MIN)
    }
}

impl<const MIN: u32, const MAX: u32> Scalar for Count<MIN, MAX> {
    const KIND: &'static str = "a whole number";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let number = whole(text, MIN, MAX)?;
        Ok(Self(number))
    }

    fn range() -> Option<String> {
        Some(format!("{MIN} to {MAX}"))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

fn whole(text: &str, min: u32, max: u32) -> Result<u32, Complaint> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let complaint = Complaint::new(format!("`{text}` is not a whole number"));
        return Err(complaint.help(format!("write a number from {min} to {max}, digits only")));
    }
    match text.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => {
            let help = format!("it may be from {min} to {max}");
            Err(Complaint::new(format!("`{text}` is out of range")).help(help))
        }
    }
}

/// A code that an endpoint may put into a Close frame: RFC 6455 section 7.4 and the IANA registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CloseCode(pub(crate) u16);

impl Scalar for CloseCode {
    const KIND: &'static str = "a Close code";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let code = text.parse::<u16>();
        match code {
            Ok(code @ (1000..=1003 | 1007..=1014 | 3000..=4999)) => Ok(Self(code)),
            Ok(1004..=1006 | 1015) => Err(Complaint::new(format!("`{text}` is never sent"))
                .help("RFC 6455 keeps it for reports; 1012 is a restart, 1001 is going away")),
            _ => Err(
                Complaint::new(format!("`{text}` is not a Close code that may be sent"))
                    .help("those are 1000 to 1003, 1007 to 1014 and 3000 to 4999"),
            ),
        }
    }

    fn range() -> Option<String> {
        Some("1000 to 1003, 1007 to 1014, 3000 to 4999".to_owned())
    }

    fn schema() -> Json {
        json!({ "type": "integer", "anyOf": [
            { "minimum": 1000, "maximum": 1003 },
            { "minimum": 1007, "maximum": 1014 },
            { "minimum": 3000, "maximum": 4999 },
        ] })
    }
}

/// The most workers that can be asked for.
const MAX_WORKERS: u32 = 1024;

impl Scalar for Workers {
    const KIND: &'static str = "`auto` or a whole number";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let number = whole(text, 1, MAX_WORKERS)
            .map_err(|complaint| complaint.or_help("or `auto` for one each processor"))?;
        let number = usize::try_from(number).ok().and_then(NonZeroUsize::new);
        Ok(Self::Fixed(number.unwrap_or(NonZeroUsize::MIN)))
    }

    fn range() -> Option<String> {
        Some(format!("1 to {MAX_WORKERS}"))
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "const": "auto" },
            { "type": "integer", "minimum": 1, "maximum": MAX_WORKERS },
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_allowed_and_what_lies_behind_them_is_not() {
        type Bound = Count<1, 10>;
        for (text, within) in [("0", false), ("1", true), ("10", true), ("11", false)] {
            assert_eq!(Bound::parse(text).is_ok(), within, "{text}");
        }
    }

    #[test]
    fn only_digits_are_a_number() {
        for text in ["", "-", "+1", "1_0", "0x1", "1.0", "1e1", "ten", " 1"] {
            let complaint = Count::<0, 10>::parse(text).unwrap_err();
            assert!(
                complaint.message.ends_with("is not a whole number"),
                "{text:?}"
            );
        }
        for text in ["-1", "99999999999999999999"] {
            let complaint = Count::<0, 10>::parse(text).unwrap_err();
            assert!(complaint.message.ends_with("is out of range"), "{text:?}");
        }
    }

    #[test]
    fn close_codes_that_may_be_sent() {
        for (codes, sendable) in [
            (0..=999, false),
            (1000..=1003, true),
            (1004..=1006, false),
            (1007..=1014, true),
            (1015..=2999, false),
            (3000..=4999, true),
            (5000..=u16::MAX, false),
        ] {
            for code in codes {
                assert_eq!(
                    CloseCode::parse(&code.to_string()).is_ok(),
                    sendable,
                    "{code}"
                );
            }
        }
    }

    #[test]
    fn workers() {
        let four = NonZeroUsize::new(4).unwrap();
        assert_eq!(Workers::parse("auto"), Ok(Workers::Auto));
        assert_eq!(Workers::parse("4"), Ok(Workers::Fixed(four)));
        for text in ["0", "1025", "all", ""] {
            assert!(Workers::parse(text).is_err(), "{text:?}");
        }
    }
}
