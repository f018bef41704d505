//! Fields that are between two neighbours only (RFC 9110 section 7.6.1).

use http::header::{self, HeaderMap, HeaderName};

/// Never passed on. `TE` and `Trailer` are among them: no trailers are asked for or promised.
///
/// By the text of a name, which a match compares with few of these.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

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
    remove_all(headers, is_hop_by_hop);
}

/// Removes the fields whose names are such. A look at each name costs less than a search for one that is not there.
fn remove_all(headers: &mut HeaderMap, is_such: impl Fn(&HeaderName) -> bool) {
    while let Some(name) = headers.keys().find(|name| is_such(name)).cloned() {
        headers.remove(name);
    }
}

/// What `Connection` names beyond the fields that are removed anyway.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(header::CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok())
        .filter(|name| !is_hop_by_hop(name) && !is_protected(name))
        .collect()
}

fn is_protected(name: &HeaderName) -> bool {
    let in_family = |family: &&str| name.as_str().starts_with(*family);
    PROTECTED.contains(name) || PROTECTED_FAMILIES.iter().any(in_family)
}
