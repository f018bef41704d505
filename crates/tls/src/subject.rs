//! A distinguished name as text (RFC 4514), in printable ASCII and without quotes.

use std::fmt::Write as _;

use x509_parser::asn1_rs::ToDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::client::hex;

/// A longer name is none.
const MAX: usize = 1024;

/// Types that have a name of their own; of others the value is hexadecimal (section 2.4).
const TYPES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.5", "serialNumber"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// The last part comes first (section 2.1).
pub(crate) fn write(name: &X509Name<'_>) -> Option<String> {
    let mut text = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for part in parts.into_iter().rev() {
        for (index, attribute) in part.iter().enumerate() {
            if !text.is_empty() {
                text.push(if index == 0 { ',' } else { '+' });
            }
            write_attribute(&mut text, attribute)?;
            if text.len() > MAX {
                return None;
            }
        }
    }
    (!text.is_empty()).then_some(text)
}

fn write_attribute(text: &mut String, attribute: &AttributeTypeAndValue<'_>) -> Option<()> {
    let oid = attribute.attr_type().to_id_string();
    let known = TYPES.iter().find(|(known, _)| *known == oid);
    match (known, attribute.as_str()) {
        (Some((_, name)), Ok(value)) => {
            text.push_str(name);
            text.push('=');
            escape(text, value);
        }
        (known, _) => {
            text.push_str(known.map_or(&oid, |(_, name)| name));
            text.push_str("=#");
            text.push_str(&hex(&attribute.attr_value().to_der_vec().ok()?));
        }
    }
    Some(())
}

/// Section 2.4. A quote, a backslash and what is not printable are written as hexadecimal pairs,
/// which is one of the ways; so none of them is in the text but as the begin of a pair or of an
/// escaped separator, and nothing that puts the text between quotes can be misled.
fn escape(text: &mut String, value: &str) {
    let last = value.len().saturating_sub(1);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            b' ' if at != 0 && at != last => text.push(' '),
            b'#' if at != 0 => text.push('#'),
            b',' | b'+' | b';' | b'<' | b'>' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b'"' | b'\\' | b'#' => pair(text, byte),
            _ if byte.is_ascii_graphic() => text.push(char::from(byte)),
            _ => pair(text, byte),
        }
    }
}

fn pair(text: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\\{byte:02X}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(value: &str) -> String {
        let mut text = String::new();
        escape(&mut text, value);
        text
    }

    #[test]
    fn what_is_special_is_escaped() {
        for (value, expected) in [
            ("Alice", "Alice"),
            ("Acme, Inc.", "Acme\\, Inc."),
            (" two  words ", "\\20two  words\\20"),
            (" ", "\\20"),
            ("#1 #2", "\\231 #2"),
            ("a=b;c+d<e>", "a=b\\;c\\+d\\<e\\>"),
            ("\"quoted\\\"", "\\22quoted\\5C\\22"),
            ("line\r\nX: y\0", "line\\0D\\0AX: y\\00"),
            ("Zoë", "Zo\\C3\\AB"),
            ("", ""),
        ] {
            assert_eq!(escaped(value), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_could_end_a_quoted_string(value in "\\PC*|[\\x00-\\x7f]*") {
            let text = escaped(&value);
            prop_assert!(text.bytes().all(|it| it == b' ' || it.is_ascii_graphic()));
            prop_assert!(!text.contains('"') && !text.ends_with('\\'));
        }
    }
}
