//! Requests and WebSockets to endpoints that are spoken to in HTTP/2: each a stream.
//!
//! What is asked goes on a connection that has room (`http2::connections`). A connection that is found to
//! be ending gives back what was not sent, which goes on another; that is no retry, the endpoint is the
//! same.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade;
use switchyard_config::{ClusterHttp2, HeaderCase, WithoutExtendedConnect};
use switchyard_proto::handshake::Offer;
use tokio::time;

use crate::attempts::{Attempt, in_order};
use crate::body::Body;
use crate::cluster::Cluster;
use crate::dial::{self, Purpose};
use crate::dialer::Dialer;
use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::http2::connections::{Limits, NoRoom, Room};
use crate::http2::streamed::Streamed;
use crate::http2::{self, Driver, Ready, translate};
use crate::lease::Lease;
use crate::line::Line;
use crate::pool::Key;
use crate::ranking::{Candidate, Ranking};
use crate::send::Answered;
use crate::shake;
use crate::socket::Socket;
use crate::substream::Substream;
use crate::upgrade::{Switched, Upgrade, Words, not_begun};

/// A connection that many clients share cannot say whose it is: no configuration asks for both.
const NO_PREFACE: &[u8] = &[];

/// A handshake that may go to one endpoint after the other.
struct Knock<'a> {
    cluster: &'a Cluster,
    settings: ClusterHttp2,
    offer: &'a Offer,
    request: Request<()>,
    answer_within: Duration,
}

/// A request for one endpoint.
#[derive(Clone, Copy)]
struct Ask<'a> {
    cluster: &'a Cluster,
    settings: ClusterHttp2,
    endpoint: &'a Endpoint,
    answer_within: Option<Duration>,
}

impl Dialer {
    /// What [`Dialer::upgrade`] does where the cluster's endpoints are spoken to in HTTP/2.
    pub(crate) async fn connect_websocket(
        &self,
        cluster: &Cluster,
        settings: ClusterHttp2,
        ranking: Ranking,
        offer: &Offer,
        request: Request<()>,
        answer_within: Duration,
    ) -> Result<Upgrade, DialError> {
        let knock = Knock {
            cluster,
            settings,
            offer,
            request,
            answer_within,
        };
        in_order(cluster, ranking, (), |turn, ()| self.knock(&knock, turn)).await
    }

    async fn knock(&self, knock: &Knock<'_>, turn: Candidate) -> Attempt<(), Upgrade> {
        let lease = turn.endpoint.lease();
        let place = match turn.endpoint.enter().await {
            Ok(place) => place,
            Err(refusal) => return not_begun(&turn.endpoint, refusal),
        };
        let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let ask = Ask {
            cluster: knock.cluster,
            settings: knock.settings,
            endpoint: &turn.endpoint,
            answer_within: Some(knock.answer_within),
        };
        let scheme = knock.cluster.scheme();
        let connect = translate::connect(knock.request.clone(), scheme, nothing);
        match self.ask_on_stream(ask, connect).await {
            Attempt::Answered((answer, room)) => open(knock.offer, turn, lease, answer, room).await,
            Attempt::Failed(error) => Attempt::Failed(error),
            Attempt::Unsent(_, DialError::NoExtendedConnect { .. })
                if knock.settings.without_extended_connect == WithoutExtendedConnect::Http1 =>
            {
                drop((place, lease));
                let words = Words {
                    preface: NO_PREFACE.into(),
                    request: shake::encode(knock.request.clone(), HeaderCase::Lower).await,
                };
                let (offer, within) = (knock.offer, knock.answer_within);
                self.shake(knock.cluster, turn, offer, &words, within).await
            }
            Attempt::Unsent(_, error) => Attempt::Unsent((), error),
        }
    }

    /// What [`Dialer::send`] does with one endpoint that is spoken to in HTTP/2.
    pub(crate) async fn fetch(
        &self,
        cluster: &Cluster,
        settings: ClusterHttp2,
        endpoint: &Endpoint,
        request: Request<Body>,
    ) -> Attempt<Request<Body>, Response<Body>> {
        let ask = Ask {
            cluster,
            settings,
            endpoint,
            answer_within: None,
        };
        let request = translate::address(request, cluster.scheme());
        let asked = self.ask_on_stream(ask, request).await;
        asked.map(|(answer, room)| answer.map(|body| Streamed::boxed(body, room)))
    }

    /// Sends a request on a stream, and has the head of the answer.
    async fn ask_on_stream(
        &self,
        ask: Ask<'_>,
        mut request: Request<Body>,
    ) -> Attempt<Request<Body>, (Response<Incoming>, Room)> {
        // A second time where the connection was ending.
        let mut is_last = false;
        loop {
            let room = match self.room(ask).await {
                Ok(room) => room,
                Err(error) => return Attempt::Unsent(request, error),
            };
            if request.method() == Method::CONNECT && !room.has_extended_connect() {
                let endpoint = ask.endpoint.name().clone();
                return Attempt::Unsent(request, DialError::NoExtendedConnect { endpoint });
            }
            let mut sender = room.sender();
            let error = match ask.answer(sender.try_send_request(request)).await {
                Ok(Ok(answer)) => return Attempt::Answered((answer, room)),
                Ok(Err(error)) => error,
                Err(late) => return Attempt::Failed(late),
            };
            if !sender.is_ready() {
                // It takes no more requests.
                self.connections.retire(key(ask.endpoint), &room);
            }
            match Attempt::failed(ask.endpoint, error) {
                Attempt::Unsent(unsent, _closed) if !is_last => request = unsent,
                Attempt::Unsent(unsent, error) => return Attempt::Unsent(unsent, error),
                Attempt::Failed(error) => return Attempt::Failed(error),
                Attempt::Answered(answer) => return Attempt::Answered(answer),
            }
            is_last = true;
        }
    }

    /// Room for a stream with `endpoint`, on a connection that is there or on one that is made for it.
    async fn room(&self, ask: Ask<'_>) -> Result<Room, DialError> {
        let Ask {
            cluster,
            settings,
            endpoint,
            ..
        } = ask;
        let limits = Limits {
            connections: usize::try_from(settings.max_connections.get()).unwrap_or(usize::MAX),
            streams: settings.max_concurrent_streams.get(),
        };
        let making = Box::pin(self.make(cluster, limits.streams, endpoint));
        let room = self.connections.room(key(endpoint), limits, making).await;
        room.map_err(|none| match none {
            NoRoom::Failed(error) => error,
            NoRoom::Full => {
                let endpoint = endpoint.name().clone();
                DialError::NoStream { endpoint }
            }
        })
    }

    /// Makes a connection, within the cluster's `connect_timeout` for each of its two steps: until there is
    /// one, and until the endpoint has said its settings.
    async fn make(
        &self,
        cluster: &Cluster,
        streams: u32,
        endpoint: &Endpoint,
    ) -> Result<(Ready, Running), DialError> {
        let timeout = cluster.connect_timeout();
        let (nursery, purpose) = (&self.nursery, Purpose::Http2);
        let socket = dial::connect(nursery, endpoint, timeout, purpose, NO_PREFACE).await?;
        let name = || endpoint.name().clone();
        let begun = http2::on(socket, streams, &self.tasks).await;
        let (begun, driver) = begun.map_err(|error| DialError::exchange(name(), error))?;
        let mut driver = Running(Box::pin(driver));
        let getting_ready = async {
            tokio::select! {
                biased;
                ready = begun.ready() => ready,
                _ended = &mut driver => None,
            }
        };
        match time::timeout(timeout, getting_ready).await {
            Ok(Some(ready)) => Ok((ready, driver)),
            Ok(None) => Err(DialError::NoHttp2 { endpoint: name() }),
            Err(_elapsed) => Err(DialError::ConnectTimeout {
                endpoint: name(),
                after: timeout,
            }),
        }
    }
}

impl Ask<'_> {
    /// Waits for an answer as long as it may take.
    async fn answer<T>(&self, answering: impl Future<Output = T>) -> Result<T, DialError> {
        let Some(after) = self.answer_within else {
            return Ok(answering.await);
        };
        let answered = time::timeout(after, answering).await;
        answered.map_err(|_elapsed| DialError::AnswerTimeout {
            endpoint: self.endpoint.name().clone(),
            after,
        })
    }
}

/// Makes of an answer to an extended CONNECT what a handshake comes to.
async fn open(
    offer: &Offer,
    turn: Candidate,
    lease: Lease,
    mut answer: Response<Incoming>,
    room: Room,
) -> Attempt<(), Upgrade> {
    if !answer.status().is_success() {
        turn.endpoint.declined(answer.status());
        let answer = answer.map(|body| Streamed::boxed(body, room));
        return Attempt::Answered(Upgrade::Answered(Answered::new(turn, answer)));
    }
    let Candidate { endpoint, place } = turn;
    let name = || endpoint.name().clone();
    let upgraded = match upgrade::on(&mut answer).await {
        Ok(upgraded) => upgraded,
        Err(error) => return Attempt::Failed(DialError::exchange(name(), error)),
    };
    let (head, _stream) = answer.into_parts();
    let (response, agreement) = match translate::switching(head, offer) {
        Ok(agreed) => agreed,
        Err(source) => {
            let endpoint = name();
            return Attempt::Failed(DialError::BadHandshake { endpoint, source });
        }
    };
    Attempt::Answered(Upgrade::Switched(Switched {
        io: Line::shared(Substream::new(upgraded), room),
        early: Bytes::new(),
        response,
        agreement,
        endpoint,
        lease: lease.opened(),
        place,
    }))
}

/// A connection that is read and written while this is polled.
struct Running(Pin<Box<Driver<Socket>>>);

impl Future for Running {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

fn key(endpoint: &Endpoint) -> Key {
    Key {
        address: endpoint.address(),
        case: HeaderCase::Lower,
        security: endpoint.security(),
    }
}
