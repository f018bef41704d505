//! The page: one HTML file, with the name of the server that served it filled in.

use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};

use super::{Answer, reply};
use crate::identity::Identity;

const PAGE: &str = include_str!("../page.html");

/// The page brings everything it needs and talks to nobody but the gateway it came through.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
     img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn page(identity: Identity) -> Answer {
    let html =
        PAGE.replacen("{{server}}", identity.name, 1)
            .replacen("{{colour}}", identity.colour, 1);
    let mut answer = reply::reply(StatusCode::OK, "text/html; charset=utf-8", html);
    answer.headers_mut().extend([
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]);
    answer
}
