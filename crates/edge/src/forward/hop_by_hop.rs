//! Fields that are between two neighbours only (RFC 9110 section 7.6.1).

use http::header::{self, HeaderMap, HeaderName};

/// Never passed on. `TE` and `Trailer` are among them: no trailers are asked for or promised.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Passed on even where `Connection` names them. A client that could have them removed would take
/// from the endpoint what it decides by.
const PROTECTED: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::FORWARDED,
    header::HOST,
    header::ORIGIN,
    super::X_REAL_IP,
    super::X_REQUEST_ID,
];

/// Beginnings of the names of more such fields.
const PROTECTED_FAMILIES: [&str; 2] = ["sec-websocket-", "x-forwarded-"];

/// Removes the fields of the connection that the message came on, those that `Connection` names
/// included.
pub(crate) fn strip(headers: &mut HeaderMap) {
    for name in nominated(headers) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What `Connection` names beyond the fields that are removed anyway.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(header::CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok())
        .filter(|name| !HOP_BY_HOP.contains(name) && !is_protected(name))
        .collect()
}

fn is_protected(name: &HeaderName) -> bool {
    let in_family = |family: &&str| name.as_str().starts_with(*family);
    PROTECTED.contains(name) || PROTECTED_FAMILIES.iter().any(in_family)
}
