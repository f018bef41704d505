//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1): extensions with parameters.
//!
//! Not here: what an extension or a parameter means.

use super::tokens::{Cursor, Malformed};

/// One element of the list: a name and its parameters, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension<'a> {
    /// The name, compared byte by byte.
    pub(super) name: &'a str,
    /// Names, each with its value if it has one. A quoted value is given as what it says.
    pub(super) parameters: Vec<(&'a str, Option<String>)>,
}

/// Reads all fields as the one list that they are; fields without any element are malformed, no
/// fields at all are not.
pub(super) fn parse<'a>(
    values: impl Iterator<Item = &'a [u8]> + Clone,
) -> Result<Vec<Extension<'a>>, Malformed> {
    let mut extensions = Vec::new();
    for value in values.clone() {
        parse_field(value, &mut extensions)?;
    }
    if extensions.is_empty() && values.count() > 0 {
        return Err(Malformed);
    }
    Ok(extensions)
}

fn parse_field<'a>(value: &'a [u8], extensions: &mut Vec<Extension<'a>>) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(value);
    loop {
        cursor.skip_whitespace();
        if cursor.is_at_end() {
            return Ok(());
        }
        if cursor.eat(b',') {
            continue;
        }
        extensions.push(parse_extension(&mut cursor)?);
        if !cursor.is_at_end() && !cursor.eat(b',') {
            return Err(Malformed);
        }
    }
}

/// Reads an extension and the whitespace behind it.
fn parse_extension<'a>(cursor: &mut Cursor<'a>) -> Result<Extension<'a>, Malformed> {
    let name = parse_name(cursor)?;
    let mut parameters = Vec::new();
    while cursor.eat(b';') {
        cursor.skip_whitespace();
        let name = parse_name(cursor)?;
        let value = if cursor.eat(b'=') {
            Some(parse_value(cursor)?)
        } else {
            None
        };
        parameters.push((name, value));
    }
    Ok(Extension { name, parameters })
}

fn parse_name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Malformed> {
    let name = cursor.token()?;
    cursor.skip_whitespace();
    Ok(name)
}

fn parse_value(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    cursor.skip_whitespace();
    let value = if cursor.eat(b'"') {
        cursor.quoted_token()?
    } else {
        cursor.token()?.to_owned()
    };
    cursor.skip_whitespace();
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes what was parsed in one way, so that tables stay readable.
    fn read(values: &[&[u8]]) -> Option<String> {
        let extensions = parse(values.iter().copied()).ok()?;
        let text = extensions.iter().map(|extension| {
            let parameters = extension
                .parameters
                .iter()
                .map(|(name, value)| match value {
                    Some(value) => format!(";{name}={value}"),
                    None => format!(";{name}"),
                });
            format!("{}{}", extension.name, parameters.collect::<String>())
        });
        Some(text.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn lists_of_extensions_are_read() {
        let table: [(&[&[u8]], &str); 9] = [
            (&[], ""),
            (&[b"a"], "a"),
            (&[b"a, b", b"c"], "a,b,c"),
            (&[b"", b" , ,a,, b ,"], "a,b"),
            (&[b"a;x;y=1, b; z=2"], "a;x;y=1,b;z=2"),
            (&[b"a \t;\tx = 1\t; y , b"], "a;x=1;y,b"),
            (&[b"a;x=\"1\""], "a;x=1"),
            (&[b"a; x=\"\\1\\0\" ; y"], "a;x=10;y"),
            (&[b"a;x=1;x=1"], "a;x=1;x=1"),
        ];
        for (values, expected) in table {
            assert_eq!(read(values).as_deref(), Some(expected), "{values:?}");
        }
    }

    #[test]
    fn what_the_grammar_does_not_have_is_malformed() {
        let table: [&[u8]; 16] = [
            b"",
            b" , ,",
            b"a;",
            b"a;;x",
            b";x",
            b"a b",
            b"a;x y",
            b"a;x=",
            b"a;=1",
            b"a;x=1 2",
            b"a;x=\"1",
            b"a;x=\"\"",
            b"a;x=\"1,2\"",
            b"a;x=\"1\"2",
            b"\"a\"",
            b"a\xff",
        ];
        for value in table {
            assert_eq!(read(&[value]), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_values_never_panic(value: Vec<u8>, words in "[a,;=\"\\\\ \t1]{0,40}") {
            let _ = parse([&value[..], words.as_bytes()].into_iter());
        }

        #[test]
        fn what_was_read_reads_the_same_again(words in "[a,;=\"\\\\ \t1]{0,24}") {
            if let Some(text) = read(&[words.as_bytes()]) {
                prop_assert_eq!(read(&[text.as_bytes()]), Some(text.clone()));
            }
        }
    }
}
