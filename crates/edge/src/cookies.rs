//! Reading one cookie of a request (RFC 6265 section 4.2).

use http::HeaderMap;
use http::header::COOKIE;

/// The value of the first cookie called `name`, without the quotes it may be in.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let lines = headers.get_all(COOKIE).iter();
    let mut pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| value_of(pair.trim_ascii(), name.as_bytes()))
}

fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = pair.strip_prefix(name)?.strip_prefix(b"=")?;
    let unquoted = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    Some(unquoted.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_of_its_name_counts() {
        let mut headers = HeaderMap::new();
        for line in ["a=1; xsid=no;sid=\"7\"", "sid=8; empty=; b=x=y"] {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        for (name, value) in [
            ("a", Some("1")),
            ("sid", Some("7")),
            ("empty", Some("")),
            ("b", Some("x=y")),
            ("SID", None),
            ("x", None),
        ] {
            assert_eq!(find(&headers, name), value.map(str::as_bytes), "{name}");
        }
    }
}
