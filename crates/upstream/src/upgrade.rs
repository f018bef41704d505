//! The WebSocket handshake towards an endpoint (RFC 6455 section 4).
//!
//! Nothing is tunnelled before the endpoint's 101 is verified. Any other answer goes back as the
//! response it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response, StatusCode, response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use switchyard_proto::handshake::{Agreement, Offer};
use tokio::time;

use crate::attempts::{Attempt, Place, Turn, in_order};
use crate::cluster::Cluster;
use crate::dialer::Dialer;
use crate::endpoint::{Endpoint, Lease};
use crate::error::DialError;
use crate::http1::{self, Wire};
use crate::ranking::Ranking;
use crate::send::Answered;
use crate::socket::Socket;

/// What came of a handshake.
#[derive(Debug)]
pub enum Upgrade {
    /// The endpoint switched to WebSocket.
    Switched(Switched),
    /// The endpoint answered something else.
    Answered(Answered),
}

/// A verified handshake: what a session's upstream side is made of.
#[derive(Debug)]
pub struct Switched {
    /// The connection, past the 101.
    pub io: Socket,
    /// What the endpoint sent along with the 101; an allocation of its own.
    pub early: Bytes,
    /// The head of the 101. Its fields share one buffer of 8 KiB or more: drop it once the client
    /// has been answered.
    pub response: response::Parts,
    /// What was agreed on.
    pub agreement: Agreement,
    /// Who serves the session.
    pub endpoint: Arc<Endpoint>,
    /// Counts the session at its endpoint until dropped.
    pub lease: Lease,
    /// Which of the ranking the endpoint was.
    pub place: Place,
}

/// The request of a handshake has no body.
type NoBody = Empty<Bytes>;

impl Dialer {
    /// Carries the handshake `request`, whose fields are `offer`, to the first endpoint of `ranking`
    /// that can be reached.
    ///
    /// `answer_within` bounds the wait for the head of the answer once an endpoint has accepted the
    /// connection; before that the cluster's `connect_timeout` bounds each attempt. Where the
    /// cluster preserves the case of field names it is found in the request's extensions, where
    /// hyper's server left it.
    ///
    /// # Errors
    /// See [`DialError`]. The connection is gone then.
    pub async fn upgrade(
        &self,
        cluster: &Cluster,
        ranking: Ranking,
        offer: &Offer,
        request: Request<()>,
        answer_within: Duration,
    ) -> Result<Upgrade, DialError> {
        let mut request = bodyless(request);
        http1::prepare(&mut request, cluster);
        in_order(cluster, ranking, request, |turn, request| {
            self.shake(cluster, turn, offer, request, answer_within)
        })
        .await
    }

    async fn shake(
        &self,
        cluster: &Cluster,
        turn: Turn,
        offer: &Offer,
        request: Request<NoBody>,
        answer_within: Duration,
    ) -> Attempt<Request<NoBody>, Upgrade> {
        let lease = turn.endpoint.lease();
        let (sender, driver) = match http1::connect(&self.nursery, cluster, &turn.endpoint).await {
            Ok(connection) => connection,
            Err(error) => return Attempt::Unsent(request, error),
        };
        let exchange = http1::exchange(sender, driver, request);
        match time::timeout(answer_within, exchange).await {
            Ok(Ok((response, wire))) => self.judge(turn, lease, offer, response, wire),
            Ok(Err(error)) => Attempt::failed(&turn.endpoint, error),
            Err(_elapsed) => {
                let endpoint = Arc::clone(turn.endpoint.name());
                Attempt::Failed(DialError::AnswerTimeout {
                    endpoint,
                    after: answer_within,
                })
            }
        }
    }

    /// A 101 is verified; the body of anything else streams back while a task drives it.
    fn judge(
        &self,
        turn: Turn,
        lease: Lease,
        offer: &Offer,
        response: Response<Incoming>,
        wire: Wire<NoBody>,
    ) -> Attempt<Request<NoBody>, Upgrade> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match switch(turn, lease, offer, response, wire) {
                Ok(switched) => Attempt::Answered(Upgrade::Switched(switched)),
                Err(error) => Attempt::Failed(error),
            };
        }
        if let Wire::Running(driver) = wire {
            self.drive(driver);
        }
        Attempt::Answered(Upgrade::Answered(Answered::new(turn, response)))
    }
}

/// The request as hyper wants it, announcing no body: bytes behind a handshake are frames. hyper
/// takes out a `Transfer-Encoding` itself.
fn bodyless(request: Request<()>) -> Request<NoBody> {
    let mut request = request.map(|()| NoBody::new());
    request.headers_mut().remove(CONTENT_LENGTH);
    request
}

/// Holds the 101 against the offer and takes the connection out of hyper.
fn switch(
    turn: Turn,
    lease: Lease,
    offer: &Offer,
    response: Response<Incoming>,
    wire: Wire<NoBody>,
) -> Result<Switched, DialError> {
    let Turn { endpoint, place } = turn;
    let (mut response, _no_body) = response.into_parts();
    response.extensions.remove::<OnUpgrade>();
    let agreement = offer
        .verify(
            response.status.as_u16(),
            fields(&response.headers).into_iter(),
        )
        .map_err(|source| DialError::BadHandshake {
            endpoint: Arc::clone(endpoint.name()),
            source,
        })?;
    let (io, early) = wire.into_socket();
    Ok(Switched {
        io,
        early,
        response,
        agreement,
        endpoint,
        lease: lease.opened(),
        place,
    })
}

/// A map's own iterator cannot be cloned, which `verify` asks for.
fn fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

#[cfg(test)]
mod tests;
