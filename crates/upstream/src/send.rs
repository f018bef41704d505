//! Plain HTTP to an endpoint: request and response bodies stream, connections are kept alive unless they
//! are one client's.
//!
//! The request's body is not read before an endpoint has accepted the connection. It is then read
//! as fast as the endpoint takes it, and never waits for a 100 from the endpoint: a server that
//! answers `Expect: 100-continue` when its body is first read (hyper does) thereby answers it as
//! soon as there is somewhere for the body to go. The caller takes the field out of the request, and
//! bounds how long all of it may take by dropping the future, which ends the connection.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::SendRequest;
use switchyard_config::SendProxy;

use crate::attempts::{Attempt, in_order};
use crate::body::{Body, from_endpoint};
use crate::cluster::Cluster;
use crate::dialer::Dialer;
use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::http1;
use crate::introduction::Introduction;
use crate::pool::Key;
use crate::ranking::{Candidate, Place, Ranking};

/// An endpoint's answer to plain HTTP, or to a handshake that it declined.
#[derive(Debug)]
pub struct Answered {
    /// As it came; hop-by-hop fields are still in it.
    pub response: Response<Body>,
    /// Who answered.
    pub endpoint: Arc<Endpoint>,
    /// Which of the ranking that was.
    pub place: Place,
}

impl Answered {
    pub(crate) fn new(turn: Candidate, response: Response<Body>) -> Self {
        let Candidate { endpoint, place } = turn;
        Self {
            response,
            endpoint,
            place,
        }
    }
}

impl Dialer {
    /// Sends `request` to the first endpoint of `ranking` that can be reached.
    ///
    /// A kept-alive connection that the endpoint closed before the request was begun costs nothing:
    /// the request goes on a fresh connection to the same endpoint. `introduction` is for endpoints that
    /// are told whose request it is.
    ///
    /// # Errors
    /// See [`DialError`]. There is no deadline here beyond the cluster's `connect_timeout`.
    pub async fn send(
        &self,
        cluster: &Cluster,
        ranking: Ranking,
        introduction: &Introduction<'_>,
        mut request: Request<Body>,
    ) -> Result<Answered, DialError> {
        if cluster.http2().is_none() {
            http1::prepare(&mut request, cluster);
            frame(&mut request);
        }
        let preface = introduction.preface(cluster.proxy_protocol());
        in_order(cluster, ranking.of_requests(), request, |turn, request| {
            self.ask(cluster, turn, &preface, request)
        })
        .await
    }

    async fn ask(
        &self,
        cluster: &Cluster,
        turn: Candidate,
        preface: &[u8],
        request: Request<Body>,
    ) -> Attempt<Request<Body>, Answered> {
        let endpoint = &turn.endpoint;
        let attempt = if let Some(settings) = cluster.http2() {
            Box::pin(self.fetch(cluster, settings, endpoint, request)).await
        } else {
            let asked = self.ask_endpoint(cluster, endpoint, preface, request).await;
            asked.map(|response| response.map(from_endpoint))
        };
        if matches!(attempt, Attempt::Answered(_)) {
            turn.endpoint.answered();
        }
        attempt.map(|response| Answered::new(turn, response))
    }

    async fn ask_endpoint(
        &self,
        cluster: &Cluster,
        endpoint: &Endpoint,
        preface: &[u8],
        request: Request<Body>,
    ) -> Attempt<Request<Body>, Response<Incoming>> {
        let key = key(cluster, endpoint);
        let request = match self.resting(key).await {
            None => request,
            Some(sender) => match self.ask_on(sender, key, endpoint, request).await {
                Attempt::Unsent(request, _closed) => request,
                done @ (Attempt::Answered(_) | Attempt::Failed(_)) => return done,
            },
        };
        match self.connect(cluster, endpoint, preface).await {
            Ok(sender) => self.ask_on(sender, key, endpoint, request).await,
            Err(error) => Attempt::Unsent(request, error),
        }
    }

    async fn resting(&self, key: Option<Key>) -> Option<SendRequest<Body>> {
        self.pool.take(key?).await
    }

    /// A fresh connection, driven by a task of its own.
    async fn connect(
        &self,
        cluster: &Cluster,
        endpoint: &Endpoint,
        preface: &[u8],
    ) -> Result<SendRequest<Body>, DialError> {
        let (sender, driver) = http1::connect(&self.nursery, cluster, endpoint, preface).await?;
        self.drive(driver);
        Ok(sender)
    }

    async fn ask_on(
        &self,
        mut sender: SendRequest<Body>,
        key: Option<Key>,
        endpoint: &Endpoint,
        request: Request<Body>,
    ) -> Attempt<Request<Body>, Response<Incoming>> {
        match sender.try_send_request(request).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let endpoint = endpoint.name().clone();
                Attempt::Failed(DialError::UnaskedUpgrade { endpoint })
            }
            Ok(response) => {
                if let Some(key) = key {
                    self.pool.put_back(key, sender);
                }
                Attempt::Answered(response)
            }
            Err(error) => Attempt::failed(endpoint, error),
        }
    }
}

/// What the connections to `endpoint` can be found by, if they can serve any client.
fn key(cluster: &Cluster, endpoint: &Endpoint) -> Option<Key> {
    let key = Key {
        address: endpoint.address(),
        case: cluster.header_case(),
        security: endpoint.security(),
    };
    (cluster.proxy_protocol() == SendProxy::Off).then_some(key)
}

/// Makes the head say how the body ends, whatever the method.
///
/// hyper sends a `GET` or `HEAD` whose body has no known length without that body, unless the head
/// announces it.
fn frame(request: &mut Request<Body>) {
    let body = request.body();
    let unsized_body = !body.is_end_stream() && body.size_hint().exact().is_none();
    if unsized_body && !request.headers().contains_key(CONTENT_LENGTH) {
        request
            .headers_mut()
            .insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

#[cfg(test)]
mod tests;
