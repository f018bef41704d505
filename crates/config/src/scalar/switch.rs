//! `on` and `off`.

use serde_json::{Value as Json, json};

use super::{Complaint, Scalar};

/// `on` or `off`. `true` and `false` are taken too: that is what tools that read YAML 1.1, Helm
/// among them, make of unquoted `on` and `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Scalar for Switch {
    const KIND: &'static str = "`on` or `off`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        match text {
            "on" | "true" => Ok(Self::On),
            "off" | "false" => Ok(Self::Off),
            _ => Err(Complaint::new(format!(
                "expected `on` or `off`, found `{text}`"
            ))),
        }
    }

    fn schema() -> Json {
        json!({ "enum": ["on", "off", true, false] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_words_switch() {
        for text in ["on", "true"] {
            assert_eq!(Switch::parse(text), Ok(Switch::On));
        }
        for text in ["off", "false"] {
            assert_eq!(Switch::parse(text), Ok(Switch::Off));
        }
        for text in ["yes", "no", "On", "OFF", "1", ""] {
            assert!(Switch::parse(text).is_err(), "{text:?}");
        }
    }
}
