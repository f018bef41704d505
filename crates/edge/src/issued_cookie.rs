//! The cookie that names an endpoint: what the gateway sets so that a client stays where it is.
//!
//! Who can forge it and what it discloses is `balance`'s business; here it is a name, a text and
//! attributes (RFC 6265 section 4.1).

use http::HeaderValue;
use switchyard_config as config;
use switchyard_config::SameSite;

/// A cookie that a route sets, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuedCookie {
    name: Box<str>,
    attributes: Box<str>,
    lifetime: Lifetime,
}

/// How long a client keeps the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Lifetime {
    /// As long as the browser lives: there is nothing to renew.
    Session,
    /// For `Max-Age` after it was last set.
    Limited,
}

/// What a request brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Presented {
    /// The cookie of the endpoint that then answered.
    Right,
    /// No cookie, or one that is forged, stale, or names an endpoint that did not answer.
    Wrong,
}

impl IssuedCookie {
    /// Takes over a route's configuration.
    pub(crate) fn new(cookie: &config::IssuedCookie) -> Self {
        let same_site = match cookie.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        let mut attributes = format!("; Path=/; HttpOnly; SameSite={same_site}");
        if cookie.secure {
            attributes.push_str("; Secure");
        }
        if let Some(max_age) = cookie.max_age {
            attributes.push_str("; Max-Age=");
            attributes.push_str(&max_age.as_secs().to_string());
        }
        Self {
            name: cookie.name.as_str().into(),
            attributes: attributes.into_boxed_str(),
            lifetime: cookie
                .max_age
                .map_or(Lifetime::Session, |_| Lifetime::Limited),
        }
    }

    /// The cookie's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The `Set-Cookie` that an answer needs. A right cookie with a limited lifetime is set again,
    /// so that its time runs from the last use and not from the first.
    pub(crate) fn answer(&self, presented: Presented, token: &str) -> Option<HeaderValue> {
        match (presented, self.lifetime) {
            (Presented::Right, Lifetime::Session) => None,
            (Presented::Right, Lifetime::Limited) | (Presented::Wrong, _) => self.set(token),
        }
    }

    fn set(&self, token: &str) -> Option<HeaderValue> {
        let (name, attributes) = (&self.name, &self.attributes);
        HeaderValue::try_from(format!("{name}={token}{attributes}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cookie(max_age: Option<u64>) -> IssuedCookie {
        IssuedCookie::new(&config::IssuedCookie {
            name: "SYAFF".to_owned(),
            max_age: max_age.map(Duration::from_secs),
            secure: max_age.is_some(),
            same_site: SameSite::Lax,
        })
    }

    #[test]
    fn a_wrong_cookie_is_replaced() {
        let set = cookie(None).answer(Presented::Wrong, "t0k");
        assert_eq!(set.unwrap(), "SYAFF=t0k; Path=/; HttpOnly; SameSite=Lax");
        let set = cookie(Some(3_600)).answer(Presented::Wrong, "t0k");
        let expected = "SYAFF=t0k; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600";
        assert_eq!(set.unwrap(), expected);
    }

    #[test]
    fn a_right_cookie_is_renewed_only_where_it_would_run_out() {
        assert_eq!(cookie(None).answer(Presented::Right, "t0k"), None);
        assert!(cookie(Some(60)).answer(Presented::Right, "t0k").is_some());
    }
}
