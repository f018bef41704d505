//! A handshake: offered to an endpoint, and on its 101 answered with one.
//!
//! The 101 is the endpoint's own: `proto` has verified that its `Sec-WebSocket-Accept` is the one
//! that the client's key asks for and that it agrees to nothing the client did not offer. What
//! becomes of the session is not here; see `opening`.

use std::sync::Arc;
use std::time::Duration;

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, Request, Response, StatusCode, response};
use hyper::body::Incoming;
use hyper::upgrade::{self, OnUpgrade};
use switchyard_relay::Leg;
use switchyard_upstream::{Body, Cluster, Switched, Upgrade};

use crate::admission::{self, Admitted};
use crate::answer;
use crate::channels;
use crate::exchange::Exchange;
use crate::forward;
use crate::opening::Opening;
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::reply;
use crate::route::Route;
use crate::selection::{Grounds, Selection};
use crate::subscription::Subscription;

/// How long an endpoint has for its answer where the route's `request_timeout` is off. A plain
/// request may then wait as long as its client does; a handshake has no use for that.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// Has an endpoint of the selection answer the handshake. It has the route's `request_timeout` for
/// that, from when it accepted the connection.
///
/// # Errors
/// No endpoint gives an answer, the answer is a 101 that is not valid, or the gateway began to
/// drain meanwhile.
pub(crate) async fn open<P: Protocol>(
    exchange: &mut Exchange,
    route: &Arc<Route>,
    mut request: Request<Incoming>,
    (admitted, subscription): (Admitted, Subscription),
    selection: Selection,
) -> Result<Response<Body>, Refusal> {
    let on_upgrade = upgrade::on(&mut request);
    let request = handshake(exchange, request, &admitted);
    let Selection {
        cluster,
        ranking,
        grounds,
    } = selection;
    let answer_within = route.http.request_timeout.unwrap_or(ANSWER_WITHIN);
    let offer = &admitted.offer;
    let introduction = exchange.introduction();
    let dialling = exchange.dialer().upgrade(
        &cluster,
        ranking,
        &introduction,
        offer,
        request,
        answer_within,
    );
    match dialling.await? {
        Upgrade::Answered(answered) if P::may_decline(answered.response.status()) => {
            Ok(answer::pass_on(exchange, answered, &cluster, &grounds))
        }
        Upgrade::Answered(_) => Err(Refusal::NotSwitched),
        Upgrade::Switched(switched) => {
            admission::check_phase(exchange.phase())?;
            admission::check_drains(&exchange.worker().drains, &exchange.place())?;
            let agreed = Agreed {
                route,
                cluster: &cluster,
                switched,
                grounds: &grounds,
                subscription,
            };
            Ok(agreed.open::<P>(exchange, on_upgrade))
        }
    }
}

/// The client's request as the endpoint gets it. It keeps its extensions: the case of the header
/// names is in them.
fn handshake(
    exchange: &mut Exchange,
    request: Request<Incoming>,
    admitted: &Admitted,
) -> Request<()> {
    let (mut head, _no_body) = request.into_parts();
    if let Some(narrowed) = &admitted.narrowed {
        head.headers
            .insert(SEC_WEBSOCKET_PROTOCOL, narrowed.clone());
    }
    exchange.forward(&mut head);
    exchange.name_session(&mut head.headers);
    forward::mark_as_handshake(&mut head.headers);
    Request::from_parts(head, ())
}

/// A handshake that both sides agree on.
struct Agreed<'a> {
    route: &'a Arc<Route>,
    cluster: &'a Cluster,
    switched: Switched,
    grounds: &'a Grounds,
    subscription: Subscription,
}

impl Agreed<'_> {
    /// Opens the session, and answers the client with the endpoint's 101.
    fn open<P: Protocol>(self, exchange: &mut Exchange, on_upgrade: OnUpgrade) -> Response<Body> {
        let Self {
            route,
            cluster,
            mut switched,
            grounds,
            mut subscription,
        } = self;
        let affinity = grounds.result(switched.place);
        exchange.served(&switched.endpoint, affinity);
        let (headers, endpoint) = (&mut switched.response.headers, switched.endpoint.name());
        let announced = channels::announced(headers, endpoint);
        subscription.channels.extend(announced);
        let opening = Opening {
            route,
            upstream: Leg {
                io: switched.io,
                early: switched.early,
            },
            deflate: switched.agreement.deflate,
            lease: Some(switched.lease),
            tie: grounds.tie(),
            affinity,
            subprotocol: switched.agreement.subprotocol.as_deref(),
            subscription,
        };
        opening.open::<P>(exchange, on_upgrade);
        switching(switched.response, |headers| {
            grounds.remember(headers, cluster, &switched.endpoint);
        })
    }
}

/// The endpoint's 101 as the client gets it, with what `add` adds.
fn switching(endpoint: response::Parts, add: impl FnOnce(&mut HeaderMap)) -> Response<Body> {
    let mut response = Response::new(reply::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    *headers = endpoint.headers;
    forward::strip_hop_by_hop(headers);
    forward::mark_as_handshake(headers);
    add(headers);
    response
}
