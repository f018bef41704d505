//! The name of one request in every log that it passes.

use http::header::{HeaderMap, HeaderValue};
use switchyard_telemetry::Spelled;

use super::X_REQUEST_ID;
use crate::client_address::Trust;

/// The longest id in bytes that is taken over from a proxy.
const LONGEST: usize = 128;

/// A request's id: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Box<str>);

impl RequestId {
    /// Keeps the id that a trusted proxy gave the request, or makes one of `random`.
    pub(crate) fn keep_or_make(
        headers: &HeaderMap,
        trust: Trust,
        random: impl FnOnce() -> u128,
    ) -> Self {
        match trust {
            Trust::Trusted => Self::given(headers).unwrap_or_else(|| Self::make(random())),
            Trust::Untrusted => Self::make(random()),
        }
    }

    fn given(headers: &HeaderMap) -> Option<Self> {
        let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
        let fits =
            (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(id.into()))
    }

    /// 32 hexadecimal digits.
    fn make(random: u128) -> Self {
        Self(Spelled::hex(random).as_str().into())
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a field value.
    pub(crate) fn to_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("-"))
    }
}
