//! Durations: a whole number and a unit.

use std::time::Duration;

use serde_json::Value as Json;

use super::quantity::{Fault, Units};
use super::{Complaint, Scalar, text_schema};

/// A year; more than any timer is for.
pub(crate) const MAX_MS: u64 = 365 * 24 * 60 * 60 * 1000;

/// In milliseconds.
const UNITS: Units = Units(&[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]);

/// A duration from `MIN` to `MAX` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time<const MIN: u64, const MAX: u64>(pub(crate) Duration);

impl<const MIN: u64, const MAX: u64> Scalar for Time<MIN, MAX> {
    const KIND: &'static str = "a duration";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let millis = UNITS.read(text).map_err(|fault| explain(text, &fault))?;
        let millis = UNITS.bound(text, millis, MIN, MAX)?;
        Ok(Self(Duration::from_millis(millis)))
    }

    fn range() -> Option<String> {
        Some(UNITS.range(MIN, MAX))
    }

    fn schema() -> Json {
        text_schema("^[0-9]+(ms|s|m|h)$")
    }
}

/// As it would be written in the file.
pub(crate) fn written(duration: Duration) -> String {
    UNITS.write(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn explain(text: &str, fault: &Fault<'_>) -> Complaint {
    let (message, help) = match fault {
        Fault::NoNumber => (
            format!("`{text}` is not a duration"),
            "write a whole number and a unit, such as 250ms, 30s, 5m or 1h".to_owned(),
        ),
        Fault::NoUnit => (
            format!("the duration `{text}` has no unit"),
            format!("did you mean `{text}s` or `{text}ms`? The units are ms, s, m and h"),
        ),
        Fault::UnknownUnit { .. } => (
            format!("`{text}` is not a duration"),
            "a whole number and one unit: ms, s, m or h".to_owned(),
        ),
    };
    Complaint::new(message).help(help)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Any = Time<0, MAX_MS>;

    #[test]
    fn units() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(
                Any::parse(text),
                Ok(Time(Duration::from_millis(millis))),
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "", "s", "30", "-5s", "1.5s", "1m30s", "30 s", " 30s", "30S", "30sec", "1d", "٣s",
        ] {
            assert!(Any::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn bounds_are_allowed_and_what_lies_behind_them_is_not() {
        type Bound = Time<1_000, 60_000>;
        for (text, within) in [
            ("999ms", false),
            ("1s", true),
            ("60s", true),
            ("60001ms", false),
        ] {
            assert_eq!(Bound::parse(text).is_ok(), within, "{text}");
        }
        // In milliseconds, the second is 2^64 and a little.
        for text in [format!("{}0h", u64::MAX), "5124095576031h".to_owned()] {
            let huge = Any::parse(&text).unwrap_err();
            assert!(huge.message.ends_with("is out of range"), "{huge:?}");
        }
        assert_eq!(Bound::range().unwrap(), "1s to 1m");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0..=MAX_MS) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(Any::parse(&written(duration)), Ok(Time(duration)));
        }

        #[test]
        fn a_unit_multiplies(number in 0..8_760u64, unit in 0..UNITS.0.len()) {
            let (unit, size) = UNITS.0[unit];
            let expected = Duration::from_millis(number * size);
            prop_assert_eq!(Any::parse(&format!("{number}{unit}")), Ok(Time(expected)));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = Any::parse(&text);
        }
    }
}
