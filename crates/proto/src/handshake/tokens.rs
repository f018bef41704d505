//! Header fields as RFC 9110 section 5.6 has them: lists, tokens, quoted strings, whitespace.
//!
//! Empty list elements are skipped, and fields of one name are one list, as section 5.6.1.2 asks
//! of a recipient. Not here: what any field means.

/// Text that does not follow the grammar of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A field that may appear once appears more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeated;

/// The values of all the fields called `name`, in order, without the whitespace around them.
pub(super) fn fields<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> + Clone {
    headers
        .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| trim(value))
}

/// Whether the list in the fields called `name` has the element `token`, in any case. Such lists
/// (`Connection`, `Upgrade`) have no quoted strings, and their other elements are not judged.
pub(super) fn lists<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    name: &'static str,
    token: &str,
) -> bool {
    elements(fields(headers, name)).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// The elements, not empty, of a list that has no quoted strings.
pub(super) fn elements<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = &'a [u8]> {
    values
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// The element as the token it has to be.
pub(super) fn token(element: &[u8]) -> Result<&str, Malformed> {
    let mut cursor = Cursor::new(element);
    let token = cursor.token()?;
    if cursor.is_at_end() {
        Ok(token)
    } else {
        Err(Malformed)
    }
}

/// The value of a field that may appear once, if it appears.
pub(super) fn single<'a>(
    mut values: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<&'a [u8]>, Repeated> {
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(Repeated),
    }
}

/// A place in a field's value, from which its parts are read one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The start of `value`.
    pub(super) fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }

    /// Whether everything has been read.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Passes over spaces and tabs.
    pub(super) fn skip_whitespace(&mut self) {
        self.rest = trim_start(self.rest);
    }

    /// Passes over `byte` if it comes next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads a token: one or more of the characters of section 5.6.2.
    pub(super) fn token(&mut self) -> Result<&'a str, Malformed> {
        let len = self
            .rest
            .iter()
            .take_while(|byte| is_token_byte(**byte))
            .count();
        let (token, rest) = self.rest.split_at_checked(len).ok_or(Malformed)?;
        self.rest = rest;
        match std::str::from_utf8(token) {
            Ok(token) if !token.is_empty() => Ok(token),
            _ => Err(Malformed),
        }
    }

    /// Reads a quoted string (section 5.6.4) behind its opening quote, up to and with the closing
    /// one, and returns what it says, which has to be a token (RFC 6455 section 9.1).
    pub(super) fn quoted_token(&mut self) -> Result<String, Malformed> {
        let mut text = String::new();
        loop {
            let byte = match self.next()? {
                b'"' if text.is_empty() => return Err(Malformed),
                b'"' => return Ok(text),
                b'\\' => self.next()?,
                byte => byte,
            };
            if !is_token_byte(byte) {
                return Err(Malformed);
            }
            text.push(char::from(byte));
        }
    }

    fn next(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*first)
    }
}

fn trim(value: &[u8]) -> &[u8] {
    let mut value = trim_start(value);
    while let [start @ .., b' ' | b'\t'] = value {
        value = start;
    }
    value
}

fn trim_start(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    value
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_visible_ascii_without_separators() {
        let bytes: Vec<u8> = (0..=u8::MAX).filter(|byte| is_token_byte(*byte)).collect();
        let separators = b"()<>@,;:\\\"/[]?={}";
        let expected: Vec<u8> = (0x21..=0x7e)
            .filter(|byte| !separators.contains(byte))
            .collect();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn fields_of_one_name_are_one_list() {
        let headers: [(&str, &[u8]); 4] = [
            ("A", b" x ,"),
            ("b", b"no"),
            ("a", b",,\ty, x y ,"),
            ("a", b""),
        ];
        let seen: Vec<&[u8]> = elements(fields(headers.iter().copied(), "a")).collect();
        assert_eq!(seen, [&b"x"[..], b"y", b"x y"]);
    }

    #[test]
    fn one_value_is_single_and_two_are_not() {
        assert_eq!(single([].into_iter()), Ok(None));
        assert_eq!(single([&b"a"[..]].into_iter()), Ok(Some(&b"a"[..])));
        assert_eq!(single([&b"a"[..], b"a"].into_iter()), Err(Repeated));
    }

    #[test]
    fn a_token_stands_alone() {
        assert_eq!(token(b"chat.v1"), Ok("chat.v1"));
        for element in [&b""[..], b"a b", b"a/b", b"\"a\"", b"\xc3\xa9", b"a\0"] {
            assert_eq!(token(element), Err(Malformed), "{element:?}");
        }
    }

    #[test]
    fn a_quoted_string_says_a_token() {
        let table: [(&[u8], Result<&str, Malformed>); 7] = [
            (b"15\"", Ok("15")),
            (b"\\1\\5\"", Ok("15")),
            (b"\"", Err(Malformed)),
            (b"15", Err(Malformed)),
            (b"15\\", Err(Malformed)),
            (b"1 5\"", Err(Malformed)),
            (b"1\\\"5\"", Err(Malformed)),
        ];
        for (value, expected) in table {
            let read = Cursor::new(value).quoted_token();
            assert_eq!(read.as_deref(), expected.as_ref().copied(), "{value:?}");
        }
    }
}
