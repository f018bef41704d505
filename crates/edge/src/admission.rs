//! Who gets a session: the checks of a handshake before any endpoint hears of it.

use std::iter::once;

use http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderValue, Request};
use switchyard_drain::{Phase, Place};
use switchyard_proto::handshake::Offer;

use crate::drains::Drains;
use crate::fields::{self, Field};
use crate::refusal::Refusal;
use crate::route::Route;

/// A handshake that may go on to an endpoint.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// What the endpoint's answer is held against.
    pub(crate) offer: Offer,
    /// The subprotocols that the endpoint is offered, where they are fewer than the client's.
    pub(crate) narrowed: Option<HeaderValue>,
}

/// Admits a handshake on `route`.
///
/// # Errors
/// The gateway is leaving, the handshake is not valid, its origin may not connect, or it offers
/// subprotocols and the route speaks none of them.
pub(crate) fn admit<B>(
    request: &Request<B>,
    route: &Route,
    phase: Phase,
) -> Result<Admitted, Refusal> {
    check_phase(phase)?;
    let headers = request.headers();
    let fields = fields::of_handshake(headers);
    let offer = Offer::parse(request.method().as_str(), fields.iter().copied())?;
    check_origin(headers, route.origins.as_deref())?;
    match &route.subprotocols {
        Some(allowed) => narrow(&fields, offer, allowed),
        None => Ok(Admitted {
            offer,
            narrowed: None,
        }),
    }
}

/// # Errors
/// The worker drains: what would open now would be closed next.
pub(crate) fn check_phase(phase: Phase) -> Result<(), Refusal> {
    if phase >= Phase::Draining {
        return Err(Refusal::Draining);
    }
    Ok(())
}

/// # Errors
/// What the handshake leads to, as far as that is known, is drained by order.
pub(crate) fn check_drains(drains: &Drains, place: &Place<'_>) -> Result<(), Refusal> {
    if drains.cover(place) {
        return Err(Refusal::Drained);
    }
    Ok(())
}

/// RFC 6455 section 10.2: the origin says which page asks, and browsers do not let the page lie. A
/// client that sends none is no browser, and is refused where origins are listed.
fn check_origin(headers: &HeaderMap, allowed: Option<&[HeaderValue]>) -> Result<(), Refusal> {
    let Some(allowed) = allowed else {
        return Ok(());
    };
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) if allowed.iter().any(|known| is_same(known, origin)) => Ok(()),
        _ => Err(Refusal::Origin),
    }
}

fn is_same(known: &HeaderValue, origin: &HeaderValue) -> bool {
    known.as_bytes().eq_ignore_ascii_case(origin.as_bytes())
}

/// Leaves in the offer what the route speaks, in the client's order. A client that asked for
/// something else only would not know what to do with a session without a subprotocol.
fn narrow(fields: &[Field<'_>], offer: Offer, allowed: &[Box<str>]) -> Result<Admitted, Refusal> {
    let offered = offer.subprotocols();
    let spoken: Vec<&str> = offered
        .iter()
        .filter(|name| allowed.contains(name))
        .map(|name| &**name)
        .collect();
    if spoken.len() == offered.len() {
        return Ok(Admitted {
            offer,
            narrowed: None,
        });
    }
    if spoken.is_empty() {
        return Err(Refusal::Subprotocol);
    }
    let spoken = spoken.join(", ");
    let others = fields.iter().copied();
    let others = others.filter(|(name, _)| *name != SEC_WEBSOCKET_PROTOCOL.as_str());
    let fields = others.chain(once((SEC_WEBSOCKET_PROTOCOL.as_str(), spoken.as_bytes())));
    Ok(Admitted {
        offer: Offer::parse("GET", fields)?,
        narrowed: HeaderValue::try_from(&spoken).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &http::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn may_connect(origins: &[&'static str]) -> bool {
        let allowed = [HeaderValue::from_static("https://chat.example.com")];
        check_origin(&headers(&ORIGIN, origins), Some(&allowed)).is_ok()
    }

    #[test]
    fn only_listed_origins_connect() {
        assert!(may_connect(&["https://chat.example.com"]));
        assert!(may_connect(&["HTTPS://Chat.example.com"]));
        assert!(!may_connect(&["https://chat.example.com.evil.example"]));
        assert!(!may_connect(&["http://chat.example.com"]));
        assert!(!may_connect(&["null"]));
        assert!(!may_connect(&[]));
        assert!(!may_connect(&[
            "https://chat.example.com",
            "https://evil.example"
        ]));
        assert!(check_origin(&HeaderMap::new(), None).is_ok());
    }

    #[test]
    fn a_worker_that_drains_admits_nothing() {
        assert!(check_phase(Phase::Serving).is_ok());
        assert!(check_phase(Phase::Leaving).is_ok());
        assert!(matches!(
            check_phase(Phase::Draining),
            Err(Refusal::Draining)
        ));
        assert!(matches!(check_phase(Phase::Cut), Err(Refusal::Draining)));
    }

    fn offering(list: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", list),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn narrowed(list: &'static str) -> Result<Admitted, Refusal> {
        let headers = offering(list);
        let fields = fields::of_handshake(&headers);
        let offer = Offer::parse("GET", fields.iter().copied()).unwrap();
        narrow(&fields, offer, &["chat.v2".into(), "chat.v1".into()])
    }

    #[test]
    fn an_offer_is_narrowed_to_what_the_route_speaks() {
        let some = narrowed("old, chat.v1, chat.v2").unwrap();
        assert_eq!(some.narrowed.unwrap(), "chat.v1, chat.v2");
        assert_eq!(
            some.offer.subprotocols(),
            ["chat.v1", "chat.v2"].map(Box::<str>::from)
        );
        assert_eq!(narrowed("chat.v2").unwrap().narrowed, None);
        assert!(matches!(narrowed("old, older"), Err(Refusal::Subprotocol)));
    }
}
