//! The WebSocket handshake towards an endpoint (RFC 6455 section 4).
//!
//! Nothing is tunnelled before the endpoint's 101 is verified. Any other answer goes back as the
//! response it is.

use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use bytes::Bytes;
use http::{Request, Response, response};
use http_body_util::Empty;
use hyper::body::Incoming;
use switchyard_config::HeaderCase;
use switchyard_proto::handshake::{Agreement, Offer};
use tokio::time;

use crate::attempts::{Attempt, in_order};
use crate::body::from_endpoint;
use crate::cluster::Cluster;
use crate::dial::{self, Purpose};
use crate::dialer::Dialer;
use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::http1;
use crate::introduction::Introduction;
use crate::lease::Lease;
use crate::line::Line;
use crate::pending::Refusal;
use crate::ranking::{Candidate, Place, Ranking};
use crate::replay::Replay;
use crate::send::Answered;
use crate::shake::{self, Accepted, Answer, Fault, NoAnswer, Unwritten};
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
    pub io: Line,
    /// What the endpoint sent along with the 101; an allocation of its own.
    pub early: Bytes,
    /// The head of the 101.
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

/// What an endpoint is told, whichever it is.
pub(crate) struct Words {
    /// Before anything else.
    pub(crate) preface: Box<[u8]>,
    /// The head of the request. Not boxed: to give back what it has room for would be to move it.
    pub(crate) request: Vec<u8>,
}

impl Dialer {
    /// Carries the handshake `request`, whose fields are `offer`, to the first endpoint of `ranking`
    /// that can be reached. `introduction` is for endpoints that are told whose it is.
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
        introduction: &Introduction<'_>,
        offer: &Offer,
        request: Request<()>,
        answer_within: Duration,
    ) -> Result<Upgrade, DialError> {
        if let Some(settings) = cluster.http2() {
            let asking =
                self.connect_websocket(cluster, settings, ranking, offer, request, answer_within);
            return Box::pin(asking).await;
        }
        let words = Words {
            preface: introduction.preface(cluster.proxy_protocol()).into(),
            request: shake::encode(request, cluster.header_case()).await,
        };
        in_order(cluster, ranking, (), |turn, ()| {
            self.shake(cluster, turn, offer, &words, answer_within)
        })
        .await
    }

    /// Shakes hands with one endpoint, on a connection of the session's own.
    pub(crate) async fn shake(
        &self,
        cluster: &Cluster,
        turn: Candidate,
        offer: &Offer,
        words: &Words,
        answer_within: Duration,
    ) -> Attempt<(), Upgrade> {
        let lease = turn.endpoint.lease();
        let _place = match turn.endpoint.enter().await {
            Ok(place) => place,
            Err(refusal) => return not_begun(&turn.endpoint, refusal),
        };
        let (timeout, purpose) = (cluster.connect_timeout(), Purpose::Session);
        let (nursery, preface) = (&self.nursery, &words.preface);
        let connecting = dial::connect(nursery, &turn.endpoint, timeout, purpose, preface);
        let socket = match connecting.await {
            Ok(socket) => socket,
            Err(error) => return Attempt::Unsent((), error),
        };
        let name = turn.endpoint.name().clone();
        let exchange = self.exchange(cluster.header_case(), turn, lease, socket, offer, words);
        match time::timeout(answer_within, exchange).await {
            Ok(attempt) => attempt,
            Err(_elapsed) => Attempt::Failed(DialError::AnswerTimeout {
                endpoint: name,
                after: answer_within,
            }),
        }
    }

    /// Sends the request and reads the head of the answer.
    async fn exchange(
        &self,
        case: HeaderCase,
        turn: Candidate,
        lease: Lease,
        mut socket: Socket,
        offer: &Offer,
        words: &Words,
    ) -> Attempt<(), Upgrade> {
        let name = || turn.endpoint.name().clone();
        match shake::send(socket.stream(), &words.request).await {
            Ok(()) => socket.has_begun(),
            Err(Unwritten::Unsent(error)) => {
                return Attempt::Unsent((), DialError::broken(name(), error));
            }
            Err(Unwritten::Broken(error)) => {
                return Attempt::Failed(DialError::broken(name(), error));
            }
        }
        match shake::answer(socket.stream(), offer).await {
            Ok(Answer::Switched(accepted)) => {
                Attempt::Answered(Upgrade::Switched(switch(turn, lease, socket, accepted)))
            }
            Ok(Answer::Other(received)) => {
                Box::pin(self.decline(case, turn, Replay::new(socket, received))).await
            }
            Err(error) => Attempt::Failed(no_answer(name(), error)),
        }
    }

    /// An answer that is not a 101 goes back as it is; its body streams while a task drives it.
    async fn decline(&self, case: HeaderCase, turn: Candidate, io: Replay) -> Attempt<(), Upgrade> {
        match response(case, io).await {
            Ok((response, driver)) => {
                turn.endpoint.declined(response.status());
                if let Some(driver) = driver {
                    self.drive(driver);
                }
                let response = response.map(from_endpoint);
                Attempt::Answered(Upgrade::Answered(Answered::new(turn, response)))
            }
            Err(error) => {
                let endpoint = turn.endpoint.name().clone();
                Attempt::Failed(DialError::exchange(endpoint, error))
            }
        }
    }
}

/// hyper's reading of an answer whose request has been sent.
async fn response(
    case: HeaderCase,
    io: Replay,
) -> hyper::Result<(Response<Incoming>, Option<Driver>)> {
    let (sender, driver) = http1::on(io, case).await?;
    // How an answer ends depends on the method alone, and a handshake's is `GET`.
    let request = Request::new(Empty::new());
    http1::exchange(sender, driver, request).await
}

type Driver = http1::Driver<Empty<Bytes>, Replay>;

fn switch(turn: Candidate, lease: Lease, io: Socket, accepted: Accepted) -> Switched {
    let Candidate { endpoint, place } = turn;
    let Accepted {
        response,
        agreement,
        early,
    } = accepted;
    Switched {
        io: Line::Own(io),
        early,
        response,
        agreement,
        endpoint,
        lease: lease.opened(),
        place,
    }
}

/// Who has a full queue is passed over; who has waited has waited long enough.
pub(crate) fn not_begun<T>(endpoint: &Endpoint, refusal: Refusal) -> Attempt<(), T> {
    let endpoint = endpoint.name().clone();
    match refusal {
        Refusal::QueueFull => Attempt::Unsent((), DialError::Busy { endpoint }),
        Refusal::Waited(after) => Attempt::Failed(DialError::QueueTimeout { endpoint, after }),
    }
}

fn no_answer(endpoint: ArcStr, error: NoAnswer) -> DialError {
    match error {
        NoAnswer::Ended(error) => DialError::broken(endpoint, error),
        NoAnswer::Faulty(Fault::Malformed(error)) => DialError::bad_response(endpoint, error),
        NoAnswer::Faulty(Fault::Disagrees(source)) => DialError::BadHandshake { endpoint, source },
    }
}

#[cfg(test)]
mod tests;
