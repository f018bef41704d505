//! Goes down a ranking until an endpoint answers: the one place that decides about retries.
//!
//! An attempt that sent nothing moves on to the next endpoint, at most `retries` more and as long as the
//! cluster's budget lasts. Once a byte of a request may have been sent nothing is tried again: the
//! endpoint may have acted on it.

use std::sync::Arc;
use std::time::Instant;

use hyper::client::conn::TrySendError;

use crate::cluster::Cluster;
use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::ranking::{Candidate, Nobody, Ranking};

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
    pub(crate) fn map<U>(self, answer: impl FnOnce(T) -> U) -> Attempt<R, U> {
        match self {
            Self::Answered(answered) => Attempt::Answered(answer(answered)),
            Self::Unsent(request, error) => Attempt::Unsent(request, error),
            Self::Failed(error) => Attempt::Failed(error),
        }
    }

    /// hyper gives a request back when it wrote nothing of it.
    pub(crate) fn failed(endpoint: &Endpoint, mut error: TrySendError<R>) -> Self {
        let unsent = error.take_message();
        let error = DialError::exchange(endpoint.name().clone(), error.into_error());
        match unsent {
            Some(request) => Self::Unsent(request, error),
            None => Self::Failed(error),
        }
    }
}

/// Tries `request` with one endpoint after the other.
pub(crate) async fn in_order<R, T, F>(
    cluster: &Cluster,
    mut ranking: Ranking,
    mut request: R,
    attempt: impl Fn(Candidate, R) -> F,
) -> Result<T, DialError>
where
    F: Future<Output = Attempt<R, T>>,
{
    let mut last = None;
    for position in 0..cluster.attempts() {
        let Some(turn) = ranking.next() else { break };
        if position == 0 {
            cluster.retry_budget().earn();
        } else if cluster.retry_budget().spend(Instant::now()) {
            cluster.metrics().retried();
        } else {
            cluster.metrics().retry_denied();
            break;
        }
        let endpoint = Arc::clone(&turn.endpoint);
        match attempt(turn, request).await {
            Attempt::Answered(answer) => return Ok(answer),
            Attempt::Failed(error) => return Err(noted(&endpoint, error)),
            Attempt::Unsent(unsent, error) => {
                request = unsent;
                last = Some(noted(&endpoint, error));
            }
        }
    }
    Err(last.unwrap_or_else(|| nobody(cluster, ranking.nobody())))
}

fn nobody(cluster: &Cluster, nobody: Nobody) -> DialError {
    let cluster = cluster.name().clone();
    match nobody {
        Nobody::Exists => DialError::NoEndpoint { cluster },
        Nobody::HasRoom => DialError::NoRoom { cluster },
        Nobody::HasPort => DialError::NoPort { cluster },
        Nobody::IsHealthy => DialError::NoneHealthy { cluster },
    }
}

/// Counts a failure where it is the endpoint's own.
fn noted(endpoint: &Endpoint, error: DialError) -> DialError {
    tracing::debug!(endpoint = %endpoint.name(), reason = error.reason(), ?error, "no answer");
    if error.blames_endpoint() {
        endpoint.metrics().failure(error.reason());
        endpoint.failed();
    }
    error
}
