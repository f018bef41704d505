//! Texts of HTTP: header names and values, cookie names, subprotocols.

use serde_json::{Value as Json, json};

use super::{Complaint, Scalar, text_schema};

/// RFC 9110 section 5.6.2.
const TOKEN_PATTERN: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
const TOKEN_HELP: &str = "letters, digits and !#$%&'*+-.^_`|~, nothing else";

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn token(text: &str, what: &str) -> Result<String, Complaint> {
    if is_token(text) {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(format!("`{text}` is not {what}")).help(TOKEN_HELP))
}

/// A header's name, in lower case (RFC 9110 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderName(pub(crate) String);

impl Scalar for HeaderName {
    const KIND: &'static str = "a header name";

    fn parse(text: &str) -> Result<Self, Complaint> {
        token(text, Self::KIND).map(|name| Self(name.to_ascii_lowercase()))
    }

    fn schema() -> Json {
        text_schema(TOKEN_PATTERN)
    }
}

/// A header's value (RFC 9110 section 5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderValue(pub(crate) String);

impl Scalar for HeaderValue {
    const KIND: &'static str = "a header value";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.trim() != text || text.chars().any(char::is_control) {
            let complaint = Complaint::new(format!("`{text}` is not a header value"));
            return Err(complaint.help("one line, with no space around it"));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

/// A cookie's name (RFC 6265 section 4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CookieName(pub(crate) String);

impl Scalar for CookieName {
    const KIND: &'static str = "a cookie name";

    fn parse(text: &str) -> Result<Self, Complaint> {
        token(text, Self::KIND).map(Self)
    }

    fn schema() -> Json {
        text_schema(TOKEN_PATTERN)
    }
}

/// A WebSocket subprotocol (RFC 6455 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subprotocol(pub(crate) String);

impl Scalar for Subprotocol {
    const KIND: &'static str = "a subprotocol";

    fn parse(text: &str) -> Result<Self, Complaint> {
        token(text, Self::KIND).map(Self)
    }

    fn schema() -> Json {
        text_schema(TOKEN_PATTERN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        for text in ["sid", "X-Tenant", "chat.v2", "a!#$%&'*+-.^_`|~z", "9"] {
            assert!(
                CookieName::parse(text).is_ok() && Subprotocol::parse(text).is_ok(),
                "{text}"
            );
        }
        for text in ["", "a b", "a:b", "a;b", "a=b", "a,b", "é", "a\"b"] {
            assert!(
                CookieName::parse(text).is_err() && HeaderName::parse(text).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn header_names_are_lower_case() {
        assert_eq!(
            HeaderName::parse("X-Tenant"),
            Ok(HeaderName("x-tenant".to_owned()))
        );
    }

    #[test]
    fn header_values_are_one_line() {
        for text in ["acme", "a b", "", "é"] {
            assert!(HeaderValue::parse(text).is_ok(), "{text:?}");
        }
        for text in [" acme", "acme\n", "a\r\nb", "a\0b"] {
            assert!(HeaderValue::parse(text).is_err(), "{text:?}");
        }
    }
}
