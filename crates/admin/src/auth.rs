//! The bearer token that guards the admin API.

use std::fmt;

use http::{HeaderMap, header};
use switchyard_config::Secret;

/// The token that a caller has to show.
pub(crate) struct Token(Box<[u8]>);

impl Token {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self(secret.expose().into())
    }

    /// Whether the request carries this token as `Authorization: Bearer TOKEN`. The scheme is compared in any case (RFC 9110,
    /// section 11.1), the token in a time that does not tell how much of it was right.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return false;
        };
        let Some((scheme, shown)) = value.as_bytes().split_at_checked("Bearer ".len()) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ") && same(shown, &self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Equality in a time that depends on the lengths only.
fn same(left: &[u8], right: &[u8]) -> bool {
    let difference = left
        .iter()
        .zip(right)
        .fold(0u8, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0 && left.len() == right.len()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(authorization: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            header::AUTHORIZATION,
            HeaderValue::from_static(authorization),
        )])
    }

    #[test]
    fn only_the_whole_token_admits() {
        let token = Token(b"s3cret".as_slice().into());
        assert!(token.admits(&headers("Bearer s3cret")));
        assert!(token.admits(&headers("bearer s3cret")));
        for wrong in [
            "Bearer s3cre",
            "Bearer s3cret2",
            "Bearer ",
            "Basic s3cret",
            "s3cret",
            "Bearer S3cret",
        ] {
            assert!(!token.admits(&headers(wrong)), "{wrong}");
        }
        assert!(!token.admits(&HeaderMap::new()));
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(
            format!("{:?}", Token(b"s3cret".as_slice().into())),
            "Token(..)"
        );
    }
}
