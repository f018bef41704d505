//! Texts of our own: names, captures, reasons, files.

use std::path::PathBuf;

use arcstr::ArcStr;
use serde_json::{Value as Json, json};

use super::{Complaint, Scalar, text_schema};

/// Names a listener, a route or a cluster, in metrics and logs too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) ArcStr);

const MAX_NAME: usize = 63;

impl Scalar for Name {
    const KIND: &'static str = "a name";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && text.len() <= MAX_NAME && text.bytes().all(allowed) {
            return Ok(Self(ArcStr::from(text)));
        }
        let help = "up to 63 letters, digits, `.`, `_` and `-`, a letter or a digit first";
        Err(Complaint::new(format!("`{text}` is not a name")).help(help))
    }

    fn schema() -> Json {
        text_schema("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    }
}

/// Names a capture of a path template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaptureName(pub(crate) String);

impl CaptureName {
    /// Whether a capture may be called so.
    pub(crate) fn allows(text: &str) -> bool {
        let begins = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        begins
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }
}

impl Scalar for CaptureName {
    const KIND: &'static str = "the name of a capture";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if Self::allows(text) {
            return Ok(Self(text.to_owned()));
        }
        let bare = text.trim_start_matches('{').trim_end_matches('}');
        let help = if Self::allows(bare) {
            format!("write `{bare}`, without the braces")
        } else {
            "letters, digits and `_`, a letter first".to_owned()
        };
        Err(Complaint::new(format!("`{text}` is not the name of a capture")).help(help))
    }

    fn schema() -> Json {
        text_schema("^[A-Za-z][A-Za-z0-9_]*$")
    }
}

/// Names a parameter of a query, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryName(pub(crate) String);

impl Scalar for QueryName {
    const KIND: &'static str = "the name of a parameter";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Complaint::new("a parameter needs a name"));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

/// The reason of a Close frame (RFC 6455 section 5.5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloseReason(pub(crate) String);

/// A control frame has 125 bytes, of which the code takes two.
const MAX_REASON: usize = 123;

impl Scalar for CloseReason {
    const KIND: &'static str = "a text";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.len() <= MAX_REASON {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("this reason has {} bytes", text.len());
        Err(Complaint::new(message).help("a Close frame has room for 123"))
    }

    fn range() -> Option<String> {
        Some("up to 123 bytes".to_owned())
    }

    fn schema() -> Json {
        json!({ "type": "string", "maxLength": MAX_REASON })
    }
}

/// A file, relative to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File(pub(crate) PathBuf);

impl Scalar for File {
    const KIND: &'static str = "a file";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.is_empty() || text.contains('\0') {
            return Err(Complaint::new(format!("`{text}` is not a file name")));
        }
        Ok(Self(PathBuf::from(text)))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "x".repeat(63);
        for text in ["web", "web-tls", "a.b_c", "9", &long] {
            assert!(Name::parse(text).is_ok(), "{text}");
        }
        for text in ["", "-web", "web tls", "wéb", "a/b", &"x".repeat(64)] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn captures() {
        for text in ["room", "room_2", "R"] {
            assert!(CaptureName::parse(text).is_ok(), "{text}");
        }
        for text in ["", "2room", "_room", "path.room", "ro om"] {
            assert!(CaptureName::parse(text).is_err(), "{text}");
        }
        let braces = CaptureName::parse("{room}").unwrap_err();
        assert_eq!(braces.help.unwrap(), "write `room`, without the braces");
    }

    #[test]
    fn a_reason_fits_a_control_frame() {
        assert!(CloseReason::parse("").is_ok());
        assert!(CloseReason::parse(&"é".repeat(61)).is_ok());
        assert!(CloseReason::parse(&"é".repeat(62)).is_err());
    }

    #[test]
    fn parameters_and_files_have_names() {
        assert!(QueryName::parse("user").is_ok() && File::parse("a/b").is_ok());
        assert!(QueryName::parse("").is_err() && QueryName::parse("a\nb").is_err());
        assert!(File::parse("").is_err() && File::parse("a\0b").is_err());
    }
}
