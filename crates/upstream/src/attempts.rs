//! Goes down a ranking until an endpoint answers: the one place that decides about retries.
//!
//! An attempt that sent nothing moves on to the next endpoint, at most `retries` more. Once a byte of
//! a request may have been sent nothing is tried again: the endpoint may have acted on it.

use std::sync::Arc;

use hyper::client::conn::TrySendError;

use crate::cluster::Cluster;
use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::ranking::Ranking;

/// Which of the ranking served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first: the owner of the affinity value, where there is one.
    Owner,
    /// One further down, because those before it could not be reached.
    Failover,
}

/// How one attempt with one endpoint went. `R` is the request, `T` what the endpoint answered.
pub(crate) enum Attempt<R, T> {
    /// It answered.
    Answered(T),
    /// It could not be reached; nothing of the request was sent.
    Unsent(R, DialError),
    /// It failed after the request may have been sent.
    Failed(DialError),
}

impl<R, T> Attempt<R, T> {
    /// hyper gives a request back when it wrote nothing of it.
    pub(crate) fn failed(endpoint: &Endpoint, mut error: TrySendError<R>) -> Self {
        let unsent = error.take_message();
        let error = DialError::exchange(Arc::clone(endpoint.name()), error.into_error());
        match unsent {
            Some(request) => Self::Unsent(request, error),
            None => Self::Failed(error),
        }
    }
}

/// What answered, and who gave it.
pub(crate) struct Served<T> {
    pub(crate) answer: T,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) place: Place,
}

/// Tries `request` with one endpoint after the other.
pub(crate) async fn in_order<R, T, F>(
    cluster: &Cluster,
    ranking: Ranking,
    mut request: R,
    attempt: impl Fn(Arc<Endpoint>, R) -> F,
) -> Result<Served<T>, DialError>
where
    F: Future<Output = Attempt<R, T>>,
{
    let mut last = None;
    for (position, endpoint) in ranking.take(cluster.attempts()).enumerate() {
        if position > 0 {
            cluster.metrics().retried();
        }
        match attempt(Arc::clone(&endpoint), request).await {
            Attempt::Answered(answer) => {
                return Ok(Served {
                    answer,
                    endpoint,
                    place: place(position),
                });
            }
            Attempt::Failed(error) => {
                note(&endpoint, &error);
                return Err(error);
            }
            Attempt::Unsent(unsent, error) => {
                note(&endpoint, &error);
                request = unsent;
                last = Some(error);
            }
        }
    }
    Err(last.unwrap_or_else(|| DialError::NoEndpoint {
        cluster: Arc::clone(cluster.name()),
    }))
}

fn place(position: usize) -> Place {
    match position {
        0 => Place::Owner,
        _ => Place::Failover,
    }
}

/// Counts a failure where it is the endpoint's own.
fn note(endpoint: &Endpoint, error: &DialError) {
    tracing::debug!(endpoint = %endpoint.name(), reason = error.reason(), "endpoint did not answer");
    if error.blames_endpoint() {
        endpoint.metrics().failure(error.reason());
    }
}
