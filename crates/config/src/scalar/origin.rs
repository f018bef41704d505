//! Origins of web pages, as browsers write them (RFC 6454 section 6.2).

use serde_json::Value as Json;

use super::{Complaint, Scalar, text_schema};

/// A scheme, a host and a port that is not the scheme's own; or `null`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) String);

impl Scalar for Origin {
    const KIND: &'static str = "an origin";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text == "null" {
            return Ok(Self(text.to_owned()));
        }
        let lower = text.to_ascii_lowercase();
        let parts = lower.split_once("://").filter(|parts| is_origin(*parts));
        let Some((scheme, authority)) = parts else {
            let complaint = Complaint::new(format!("`{text}` is not an origin"));
            return Err(complaint.help(help(text)));
        };
        Ok(Self(format!(
            "{scheme}://{}",
            without_default_port(scheme, authority)
        )))
    }

    fn schema() -> Json {
        text_schema(r"^(null|[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@*]+)$")
    }
}

fn is_origin((scheme, authority): (&str, &str)) -> bool {
    let scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    let host_byte = |byte: u8| byte.is_ascii_graphic() && !b"/?#@*\\".contains(&byte);
    let begins = scheme
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic());
    begins
        && scheme.bytes().all(scheme_byte)
        && !authority.is_empty()
        && authority.bytes().all(host_byte)
}

/// Browsers leave it out.
fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return authority,
    };
    authority.strip_suffix(port).unwrap_or(authority)
}

fn help(text: &str) -> String {
    if text == "*" {
        return "leave out `allowed_origins` to let any origin in".to_owned();
    }
    if text.contains('*') {
        return "origins are compared whole; list each one".to_owned();
    }
    match text.split_once("://") {
        Some((scheme, rest)) if rest.contains('/') => {
            let host = rest.split('/').next().unwrap_or_default();
            format!("write `{scheme}://{host}`; an origin has no path")
        }
        None if !text.is_empty() => format!("did you mean `https://{text}`?"),
        _ => "such as `https://chat.example.com`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        for (text, origin) in [
            ("https://chat.example.com", "https://chat.example.com"),
            ("HTTPS://Chat.Example.com", "https://chat.example.com"),
            ("https://chat.example.com:443", "https://chat.example.com"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("https://a.example:80", "https://a.example:80"),
            ("chrome-extension://abc", "chrome-extension://abc"),
            ("https://[::1]:9000", "https://[::1]:9000"),
            ("null", "null"),
        ] {
            assert_eq!(Origin::parse(text), Ok(Origin(origin.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_helped_on() {
        for (text, said) in [
            ("*", "leave out `allowed_origins`"),
            ("https://*.example.com", "list each one"),
            ("https://a.example/", "write `https://a.example`"),
            ("a.example", "did you mean `https://a.example`?"),
            ("", "such as"),
            ("://x", "such as"),
            ("https://", "such as"),
            ("https://a b", "such as"),
        ] {
            let help = Origin::parse(text).unwrap_err().help.unwrap();
            assert!(help.contains(said), "{text}: {help}");
        }
    }
}
