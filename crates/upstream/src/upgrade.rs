//! The WebSocket handshake towards an endpoint (RFC 6455 section 4).
//!
//! Nothing is tunnelled before the endpoint's 101 is verified. Any other answer goes back as the
//! response it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Response, StatusCode, Version, response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use switchyard_proto::handshake::{Agreement, Offer};
use tokio::net::TcpStream;
use tokio::time;

use crate::attempts::{Attempt, Place, in_order};
use crate::body::from_endpoint;
use crate::cluster::Cluster;
use crate::dialer::Dialer;
use crate::endpoint::{Endpoint, Lease};
use crate::error::DialError;
use crate::http1::{self, Wire};
use crate::ranking::Ranking;
use crate::send::Answered;

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
    pub io: TcpStream,
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

/// An endpoint's answer, before the places are put together.
enum Answer {
    Switched(Box<Agreed>),
    Declined(Response<Incoming>),
}

struct Agreed {
    io: TcpStream,
    early: Bytes,
    response: response::Parts,
    agreement: Agreement,
    lease: Lease,
}

impl Dialer {
    /// Carries the handshake `request`, whose fields are `offer`, to the first endpoint of `ranking`
    /// that can be reached.
    ///
    /// `answer_within` bounds the wait for the head of the answer once an endpoint has accepted the
    /// connection; before that the cluster's `connect_timeout` bounds each attempt. The request's
    /// extensions are kept: hyper finds the case of the field names in them.
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
        let request = bodyless(request);
        let served = in_order(cluster, ranking, request, |endpoint, request| {
            self.shake(cluster, endpoint, offer, request, answer_within)
        })
        .await?;
        let (endpoint, place) = (served.endpoint, served.place);
        Ok(match served.answer {
            Answer::Switched(agreed) => Upgrade::Switched(agreed.at(endpoint, place)),
            Answer::Declined(response) => Upgrade::Answered(Answered {
                response: response.map(from_endpoint),
                endpoint,
                place,
            }),
        })
    }

    async fn shake(
        &self,
        cluster: &Cluster,
        endpoint: Arc<Endpoint>,
        offer: &Offer,
        request: Request<NoBody>,
        answer_within: Duration,
    ) -> Attempt<Request<NoBody>, Answer> {
        let lease = endpoint.lease();
        let (sender, driver) = match http1::connect(cluster, &endpoint).await {
            Ok(connection) => connection,
            Err(error) => return Attempt::Unsent(request, error),
        };
        let exchange = http1::exchange(sender, driver, request);
        match time::timeout(answer_within, exchange).await {
            Ok(Ok((response, wire))) => self.judge(lease, offer, response, wire),
            Ok(Err(error)) => Attempt::failed(&endpoint, error),
            Err(_elapsed) => {
                let endpoint = Arc::clone(endpoint.name());
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
        lease: Lease,
        offer: &Offer,
        response: Response<Incoming>,
        wire: Wire<NoBody>,
    ) -> Attempt<Request<NoBody>, Answer> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match verify(offer, response, wire, lease) {
                Ok(agreed) => Attempt::Answered(Answer::Switched(Box::new(agreed))),
                Err(error) => Attempt::Failed(error),
            };
        }
        if let Wire::Running(driver) = wire {
            self.drive(driver);
        }
        Attempt::Answered(Answer::Declined(response))
    }
}

impl Agreed {
    fn at(self, endpoint: Arc<Endpoint>, place: Place) -> Switched {
        let Self {
            io,
            early,
            response,
            agreement,
            lease,
        } = self;
        Switched {
            io,
            early,
            response,
            agreement,
            endpoint,
            lease,
            place,
        }
    }
}

/// The request as hyper wants it, saying that it has no body: bytes behind a handshake are frames.
fn bodyless(request: Request<()>) -> Request<NoBody> {
    let mut request = request.map(|()| NoBody::new());
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().remove(CONTENT_LENGTH);
    request.headers_mut().remove(TRANSFER_ENCODING);
    request
}

/// Holds the 101 against the offer and takes the connection out of hyper.
fn verify(
    offer: &Offer,
    response: Response<Incoming>,
    wire: Wire<NoBody>,
    lease: Lease,
) -> Result<Agreed, DialError> {
    let (mut response, _no_body) = response.into_parts();
    response.extensions.remove::<OnUpgrade>();
    let agreement = offer
        .verify(
            response.status.as_u16(),
            fields(&response.headers).into_iter(),
        )
        .map_err(|source| DialError::BadHandshake {
            endpoint: Arc::clone(lease.endpoint().name()),
            source,
        })?;
    let (io, early) = wire.into_socket();
    Ok(Agreed {
        io,
        early,
        response,
        agreement,
        lease: lease.opened(),
    })
}

/// A map's own iterator cannot be cloned, which `verify` asks for.
fn fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}
