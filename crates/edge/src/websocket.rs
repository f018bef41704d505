//! A handshake: offered to an endpoint, and on its 101 answered with one.
//!
//! The 101 is the endpoint's own: `proto` has verified that its `Sec-WebSocket-Accept` is the one
//! that the client's key asks for and that it agrees to nothing the client did not offer. What
//! becomes of the session is not here; see `opening`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, Request, Response, StatusCode, response};
use hyper::body::Incoming;
use hyper::upgrade::{self, OnUpgrade};
use switchyard_proto::handshake::Offer;
use switchyard_relay::Leg;
use switchyard_upstream::{Body, Cluster, Ranking, Switched, Upgrade};

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
use crate::service::Handshake;
use crate::subscription::Subscription;

/// How long an endpoint has for its answer where the route's `request_timeout` is off. A plain
/// request may then wait as long as its client does; a handshake has no use for that.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// A handshake that is ready to be offered to endpoints.
pub(crate) struct Asking {
    /// As an endpoint gets it.
    request: Request<()>,
    offer: Offer,
    ranking: Ranking,
    wanted: Wanted,
}

/// The session that is to come of it.
struct Wanted {
    route: Arc<Route>,
    cluster: Arc<Cluster>,
    grounds: Grounds,
    subscription: Subscription,
    /// The client's connection, once hyper has let go of it.
    on_upgrade: OnUpgrade,
}

impl Asking {
    /// A client's handshake that was admitted, for the endpoints of the selection.
    pub(crate) fn new(
        exchange: &mut Exchange,
        mut request: Request<Incoming>,
        wanted: Handshake,
        selection: Selection,
    ) -> Self {
        let Handshake {
            route,
            admitted,
            subscription,
        } = wanted;
        let Selection {
            cluster,
            ranking,
            grounds,
        } = selection;
        exchange.sent_to(&cluster);
        let on_upgrade = upgrade::on(&mut request);
        Self {
            request: handshake(exchange, request, &admitted),
            offer: admitted.offer,
            ranking,
            wanted: Wanted {
                route,
                cluster,
                grounds,
                subscription,
                on_upgrade,
            },
        }
    }

    /// Has an endpoint answer the handshake, and answers the client. The endpoint has the route's `request_timeout` for
    /// that, from when it accepted the connection. The client is refused where no endpoint answers, or with a 101 that is
    /// not valid, and where the gateway has begun to drain meanwhile.
    pub(crate) fn answered<P: Protocol>(
        self,
        mut exchange: Exchange,
        stay: P::Stay,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send {
        // Taken apart here: what waits for an endpoint holds each part once.
        let Self {
            request,
            offer,
            ranking,
            wanted,
        } = self;
        async move {
            let dialer = exchange.dialer();
            let introduction = exchange.introduction();
            let (cluster, within) = (&*wanted.cluster, wanted.answer_within());
            let dialling = dialer.upgrade(cluster, ranking, &introduction, &offer, request, within);
            let dialled = dialling.await.map_err(Refusal::from);
            let result = dialled.and_then(|upgrade| wanted.come_of::<P>(&mut exchange, upgrade));
            Ok(P::response(exchange.finish(result), stay))
        }
    }
}

impl Wanted {
    fn answer_within(&self) -> Duration {
        self.route.http.request_timeout.unwrap_or(ANSWER_WITHIN)
    }

    /// What comes of an endpoint's answer.
    fn come_of<P: Protocol>(
        self,
        exchange: &mut Exchange,
        upgrade: Upgrade,
    ) -> Result<Response<Body>, Refusal> {
        match upgrade {
            Upgrade::Answered(answered) if P::may_decline(answered.response.status()) => {
                let (cluster, grounds) = (&self.cluster, &self.grounds);
                Ok(answer::pass_on(exchange, answered, cluster, grounds))
            }
            Upgrade::Answered(_) => Err(Refusal::NotSwitched),
            Upgrade::Switched(switched) => {
                admission::check_phase(exchange.phase())?;
                admission::check_drains(&exchange.worker().drains, &exchange.place())?;
                Ok(self.open::<P>(exchange, switched))
            }
        }
    }

    /// Opens the session, and answers the client with the endpoint's 101.
    fn open<P: Protocol>(self, exchange: &mut Exchange, mut switched: Switched) -> Response<Body> {
        let (grounds, mut subscription) = (self.grounds, self.subscription);
        let affinity = grounds.result(switched.place);
        exchange.served(&switched.endpoint, affinity);
        let (headers, endpoint) = (&mut switched.response.headers, switched.endpoint.name());
        let announced = channels::announced(headers, endpoint);
        subscription.channels.extend(announced);
        let opening = Opening {
            route: &self.route,
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
        opening.open::<P>(exchange, self.on_upgrade);
        switching(switched.response, |headers| {
            grounds.remember(headers, &self.cluster, &switched.endpoint);
        })
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
