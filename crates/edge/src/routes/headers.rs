//! Whether a request has the headers that a route asks for.

use http::HeaderMap;
use http::header::{HeaderName, InvalidHeaderName};
use switchyard_config::HeaderMatch;

/// A header that must be there, with one exact value among its values.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    name: HeaderName,
    value: Box<[u8]>,
}

impl Wanted {
    /// # Errors
    /// The name is not a header name.
    pub(super) fn new(wanted: &HeaderMatch) -> Result<Self, InvalidHeaderName> {
        Ok(Self {
            name: HeaderName::from_bytes(wanted.name.as_bytes())?,
            value: wanted.value.as_bytes().into(),
        })
    }

    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(&self.name).iter();
        values.any(|value| value.as_bytes() == &*self.value)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_of_several_values_is_enough() {
        let wanted = Wanted::new(&HeaderMatch {
            name: "x-tenant".to_owned(),
            value: "acme".to_owned(),
        })
        .unwrap();
        let mut headers = HeaderMap::new();
        assert!(!wanted.is_in(&headers));
        headers.append("x-tenant", HeaderValue::from_static("Acme"));
        assert!(!wanted.is_in(&headers));
        headers.append("X-Tenant", HeaderValue::from_static("acme"));
        assert!(wanted.is_in(&headers));
    }
}
