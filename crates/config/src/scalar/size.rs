//! Sizes: a whole number of bytes and a unit.

use serde_json::Value as Json;

use super::quantity::{Fault, Units};
use super::{Complaint, Scalar, text_schema};

/// 1024 GiB; beyond it `off` is what is meant.
pub(crate) const MAX_BYTES: u64 = 1 << 40;

/// In bytes.
const UNITS: Units = Units(&[
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
]);
const UNITS_HELP: &str = "the units are B, KB, MB, GB, KiB, MiB and GiB";

/// A size from `MIN` to `MAX` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Scalar for Size<MIN, MAX> {
    const KIND: &'static str = "a size";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let bytes = UNITS.read(text).map_err(|fault| explain(text, &fault))?;
        UNITS.bound(text, bytes, MIN, MAX).map(Self)
    }

    fn range() -> Option<String> {
        Some(UNITS.range(MIN, MAX))
    }

    fn schema() -> Json {
        text_schema("^[0-9]+(B|KB|MB|GB|KiB|MiB|GiB)$")
    }
}

fn explain(text: &str, fault: &Fault<'_>) -> Complaint {
    let not_a_size = || Complaint::new(format!("`{text}` is not a size"));
    match fault {
        Fault::NoNumber => {
            not_a_size().help("write a whole number and a unit, such as 512B, 64KiB or 1MiB")
        }
        Fault::NoUnit => Complaint::new(format!("the size `{text}` has no unit"))
            .help(format!("did you mean `{text}B` or `{text}KiB`?")),
        Fault::UnknownUnit { number, unit } => not_a_size().help(unit_help(number, unit)),
    }
}

/// `64kb`, `64Ki` and `64M` come from other programs.
fn unit_help(number: &str, unit: &str) -> String {
    let near = UNITS.0.iter().map(|(name, _)| *name).find(|name| {
        name.eq_ignore_ascii_case(unit) || name.eq_ignore_ascii_case(&format!("{unit}B"))
    });
    match near {
        Some(near) => format!("did you mean `{number}{near}`?"),
        None => UNITS_HELP.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Any = Size<0, MAX_BYTES>;

    #[test]
    fn units() {
        for (text, bytes) in [
            ("512B", 512),
            ("64KiB", 65_536),
            ("64KB", 64_000),
            ("1MiB", 1 << 20),
            ("1MB", 1_000_000),
            ("1GiB", 1 << 30),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(Any::parse(text), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "", "B", "64", "-1B", "1.5MiB", "1 MiB", "1mib", "1Ki", "1K", "1TB", "0x10B",
        ] {
            assert!(Any::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_unit_of_another_program_is_put_right() {
        for (text, meant) in [("64kb", "`64KB`"), ("64Ki", "`64KiB`"), ("1M", "`1MB`")] {
            let help = Any::parse(text).unwrap_err().help.unwrap();
            assert!(help.contains(meant), "{text}: {help}");
        }
    }

    #[test]
    fn bounds_are_allowed_and_what_lies_behind_them_is_not() {
        type Bound = Size<4096, { 1 << 30 }>;
        for (text, within) in [
            ("4095B", false),
            ("4KiB", true),
            ("1GiB", true),
            ("1073741825B", false),
        ] {
            assert_eq!(Bound::parse(text).is_ok(), within, "{text}");
        }
        assert!(Any::parse(&format!("{}0GiB", u64::MAX)).is_err());
        assert_eq!(Bound::range().unwrap(), "4KiB to 1GiB");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes in 0..=MAX_BYTES) {
            prop_assert_eq!(Any::parse(&UNITS.write(bytes)), Ok(Size(bytes)));
        }

        #[test]
        fn a_unit_multiplies(number in 0..1_000u64, unit in 0..UNITS.0.len()) {
            let (unit, size) = UNITS.0[unit];
            prop_assert_eq!(Any::parse(&format!("{number}{unit}")), Ok(Size(number * size)));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = Any::parse(&text);
        }
    }
}
