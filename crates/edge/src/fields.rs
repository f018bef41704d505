//! HTTP fields in the shape that `proto` reads them in.

use http::header::{CONNECTION, HeaderMap, HeaderName, UPGRADE};

/// A name and a value.
pub(crate) type Field<'a> = (&'a str, &'a [u8]);

/// The fields that make a handshake, in their order.
///
/// `proto` goes through them six times: a list of the few that it asks for is gone through sooner than the map.
pub(crate) fn of_handshake(headers: &HeaderMap) -> Vec<Field<'_>> {
    let fields = headers.iter().filter(|(name, _)| is_of_handshake(name));
    let mut found = Vec::with_capacity(headers.len());
    found.extend(fields.map(|(name, value)| (name.as_str(), value.as_bytes())));
    found
}

fn is_of_handshake(name: &HeaderName) -> bool {
    name.as_str().starts_with("sec-websocket-") || *name == CONNECTION || *name == UPGRADE
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_value_is_a_field_and_others_are_left_out() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("upgrade", "1"),
            ("host", "2"),
            ("sec-websocket-key", "3"),
            ("upgrade", "4"),
            ("connection", "5"),
            ("sec-fetch-mode", "6"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let expected: [Field<'_>; 4] = [
            ("upgrade", b"1"),
            ("upgrade", b"4"),
            ("sec-websocket-key", b"3"),
            ("connection", b"5"),
        ];
        assert_eq!(of_handshake(&headers), expected);
    }
}
