//! Reading one parameter of a query, and the percent-encoding that queries and paths share.

use std::borrow::Cow;

/// The value of the first parameter called `name`, decoded.
pub(crate) fn find<'a>(query: &'a str, name: &str) -> Option<Cow<'a, [u8]>> {
    find_all(query, name).next()
}

/// The values of all parameters called `name`, decoded.
pub(crate) fn find_all<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Cow<'a, [u8]>> {
    query.split('&').filter_map(move |pair| {
        let (key, value) = pair.split_once('=')?;
        (*decode(key, Plus::IsSpace) == *name.as_bytes()).then(|| decode(value, Plus::IsSpace))
    })
}

/// What a plus sign stands for: forms write a space as one, paths do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    IsPlus,
    IsSpace,
}

/// Decodes percent-encoded bytes. What is no encoding stays as it is.
pub(crate) fn decode(text: &str, plus: Plus) -> Cow<'_, [u8]> {
    let is_special = |byte: u8| byte == b'%' || (byte == b'+' && plus == Plus::IsSpace);
    if !text.bytes().any(is_special) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = next_byte(rest, plus) {
        decoded.push(byte);
        rest = after;
    }
    Cow::Owned(decoded)
}

fn next_byte(text: &[u8], plus: Plus) -> Option<(u8, &[u8])> {
    match text {
        [b'%', high, low, rest @ ..] => match hex(*high).zip(hex(*low)) {
            Some((high, low)) => Some((high << 4 | low, rest)),
            None => text.split_first().map(|(percent, rest)| (*percent, rest)),
        },
        [b'+', rest @ ..] if plus == Plus::IsSpace => Some((b' ', rest)),
        _ => text.split_first().map(|(byte, rest)| (*byte, rest)),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_its_name_is_decoded() {
        for (query, name, value) in [
            ("user=7", "user", Some("7")),
            ("a=1&user=7&user=8", "user", Some("7")),
            ("user=a+b%2Bc", "user", Some("a b+c")),
            ("us%65r=7", "user", Some("7")),
            ("user=", "user", Some("")),
            ("user=a=b", "user", Some("a=b")),
            ("user=%zz%4", "user", Some("%zz%4")),
            ("user", "user", None),
            ("", "user", None),
            ("xuser=7", "user", None),
        ] {
            let found = find(query, name);
            assert_eq!(found.as_deref(), value.map(str::as_bytes), "{query}");
        }
    }

    #[test]
    fn a_plus_in_a_path_is_a_plus() {
        assert_eq!(&*decode("a+b%20c", Plus::IsPlus), b"a+b c");
    }
}
