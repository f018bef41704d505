//! Header fields out of text: one `Name: value` a line, as a person would write a seed.

/// The fields in the lines of `text`; a line without a colon or with a name that is no text is
/// none.
pub(super) fn parse(text: &[u8]) -> Vec<(&str, &[u8])> {
    let field = |line| {
        let line: &[u8] = line;
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = std::str::from_utf8(&line[..colon]).ok()?;
        Some((name, line[colon + 1..].trim_ascii()))
    };
    text.split(|byte| *byte == b'\n')
        .filter_map(field)
        .collect()
}
