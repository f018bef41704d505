//! A handshake on a route without clusters: the gateway agrees to it itself, and is the other end of the session.
//!
//! From there on it is a session like any other, whose endpoint does nothing but answer Pings and Closes
//! ([`Line::within`]). Its cluster and its endpoint are called nothing (`""`) wherever a session is told of.

use bytes::Bytes;
use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade;
use switchyard_config::{ChannelPart, ChannelSource};
use switchyard_proto::handshake::{Deflate, Offer};
use switchyard_relay::{Leg, Tie};
use switchyard_telemetry::labels::AffinityResult;
use switchyard_upstream::{Body, Line};

use crate::channels;
use crate::exchange::Exchange;
use crate::forward;
use crate::opening::Opening;
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::reply;
use crate::route::Route;
use crate::service::Handshake;

/// Agrees to a handshake.
///
/// # Errors
/// It names no channel.
pub(crate) fn open<P: Protocol>(
    exchange: &mut Exchange,
    mut request: Request<Incoming>,
    handshake: Handshake,
) -> Result<Response<Body>, Refusal> {
    let Handshake {
        route,
        admitted,
        subscription,
    } = handshake;
    let offer = &admitted.offer;
    if subscription.channels.is_empty() {
        return Err(Refusal::NoChannel);
    }
    let on_upgrade = upgrade::on(&mut request);
    let subprotocol = subprotocol(&route, offer);
    let opening = Opening {
        route: &route,
        upstream: Leg {
            io: Line::within(),
            early: Bytes::new(),
        },
        deflate: Deflate::Off,
        lease: None,
        tie: Tie::Nothing,
        affinity: AffinityResult::None,
        subprotocol,
        subscription,
    };
    opening.open::<P>(exchange, on_upgrade);
    let mut response = Response::new(reply::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    agree(response.headers_mut(), offer, subprotocol);
    Ok(response)
}

/// The fields of the 101 (RFC 6455 section 4.2.2).
fn agree(headers: &mut HeaderMap, offer: &Offer, subprotocol: Option<&str>) {
    forward::mark_as_handshake(headers);
    let fields = [
        (
            SEC_WEBSOCKET_ACCEPT,
            Some(offer.key().accept().as_str().to_owned()),
        ),
        (SEC_WEBSOCKET_PROTOCOL, subprotocol.map(str::to_owned)),
    ];
    for (name, value) in fields {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            headers.insert(name, value);
        }
    }
}

/// The first that is offered; one that only names a channel comes last. What the route does not speak is not in the
/// offer any more.
fn subprotocol<'a>(route: &Route, offer: &'a Offer) -> Option<&'a str> {
    let offered = offer.subprotocols();
    let spoken = offered
        .iter()
        .find(|it| route.subprotocols.is_some() || !names_a_channel(route, it));
    spoken.or(offered.first()).map(|name| &**name)
}

fn names_a_channel(route: &Route, subprotocol: &str) -> bool {
    let parts = route.channels.iter().flat_map(|template| &template.0);
    parts.into_iter().any(|part| match part {
        ChannelPart::Value(ChannelSource::Subprotocol(name)) => {
            channels::chosen(subprotocol, name).is_some()
        }
        ChannelPart::Value(_) | ChannelPart::Literal(_) => false,
    })
}
