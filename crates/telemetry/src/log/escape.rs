//! Text as part of a line: nothing that a peer sent can end the line, end a string or reach a terminal.
//!
//! Control characters (C0, DEL and C1), quotes and backslashes are written as JSON escapes.

use std::fmt;

/// Appends text to a line, escaped.
pub(super) struct Escaped<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push(self.0, text);
        Ok(())
    }
}

/// Appends `text`, escaped.
pub(super) fn push(line: &mut Vec<u8>, text: &str) {
    if !has_suspects(text.as_bytes()) {
        return line.extend_from_slice(text.as_bytes());
    }
    let mut utf8 = [0; 4];
    for character in text.chars() {
        match character {
            '"' => line.extend_from_slice(br#"\""#),
            '\\' => line.extend_from_slice(br"\\"),
            control if control.is_control() => push_control(line, control),
            plain => line.extend_from_slice(plain.encode_utf8(&mut utf8).as_bytes()),
        }
    }
}

/// Looks at pieces of one length, all bytes of one without stopping in between: that can be done for many at
/// once. The last piece overlaps the one before it, so that no bytes are left over.
fn has_suspects(bytes: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let (pieces, _) = bytes.as_chunks::<16>();
        let (middle, end) = (pieces.iter().any(any_suspect), bytes.last_chunk::<16>());
        middle || end.map_or_else(|| any_suspect(first) || any_suspect(last), any_suspect)
    } else {
        bytes.iter().any(|byte| is_suspect(*byte))
    }
}

fn any_suspect<const N: usize>(piece: &[u8; N]) -> bool {
    let found = piece.iter().map(|byte| u8::from(is_suspect(*byte)));
    found.fold(0, |found, this| found | this) != 0
}

/// What may have to be escaped; 0xC2 begins U+0080 to U+00BF, of which the C1 controls are a part.
#[allow(
    clippy::needless_bitwise_bool,
    reason = "to stop at the first that holds is to look at one byte at a time"
)]
fn is_suspect(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte == 0x7F) | (byte == 0xC2)
}

/// `\u00XX`: control characters are all below U+00A0.
fn push_control(line: &mut Vec<u8>, control: char) {
    let digit = |shift: u32| char::from_digit((u32::from(control) >> shift) & 0xF, 16);
    line.extend_from_slice(br"\u00");
    for digit in [digit(4), digit(0)].into_iter().flatten() {
        line.extend(u8::try_from(digit));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut line = Vec::new();
        push(&mut line, text);
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn what_could_do_harm_is_spelled_out() {
        assert_eq!(escaped("a\"b\\c"), r#"a\"b\\c"#);
        assert_eq!(escaped("\n\u{1b}\u{7f}\u{9b}"), r"\u000a\u001b\u007f\u009b");
        assert_eq!(escaped("£ 😀 plain"), "£ 😀 plain");
    }

    proptest! {
        #[test]
        fn json_reads_back_any_text(text in ".*", more in "[\u{0}-\u{ff}]*") {
            let text = text + &more;
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(char::is_control));
            let read: String = serde_json::from_str(&format!("\"{escaped}\"")).expect("a string");
            prop_assert_eq!(read, text);
        }
    }
}
