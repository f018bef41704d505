//! An ordinary request: passed to an endpoint, its answer passed back, both bodies streaming.
//!
//! `request_timeout` runs from the request's head to the head of the answer, the request's body
//! included; how long the answer's body takes is between the client and the endpoint. A client
//! that waits for `100 Continue` gets it when an endpoint has accepted the connection, because
//! that is when its body is first read.

use std::error::Error;

use http::header::TRANSFER_ENCODING;
use http::{Request, Response};
use hyper::body::Incoming;
use switchyard_upstream::{Answered, Body, DialError};
use tokio::time;

use crate::answer;
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::reply;
use crate::route::Route;
use crate::selection::Selection;
use crate::upload::{self, Progress, TooLarge};

/// Has an endpoint of the selection answer `request`.
///
/// # Errors
/// The body is too large or too slow, or no endpoint answers in time.
pub(crate) async fn proxy(
    exchange: &mut Exchange,
    route: &Route,
    request: Request<Incoming>,
    selection: Selection,
) -> Result<Response<Body>, Refusal> {
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let (mut head, incoming) = request.into_parts();
    let uploading = upload::upload(incoming, route.http.max_body);
    let (body, progress) = uploading.map_err(|TooLarge| Refusal::BodyTooLarge)?;
    exchange.forward(&mut head);
    let Selection {
        cluster,
        ranking,
        grounds,
    } = selection;
    let introduction = exchange.introduction();
    let request = Request::from_parts(head, body);
    let sending = exchange
        .dialer()
        .send(&cluster, ranking, &introduction, request);
    let answered = within(route, &progress, sending).await?;
    let mut response = answer::pass_on(exchange, answered, &cluster, &grounds);
    if is_chunked {
        // The heads behind a chunked body are not watched; see `framing`.
        reply::close_after(response.headers_mut());
    }
    Ok(response)
}

/// Waits for an answer as long as the route allows. Dropping `sending` ends its connection.
async fn within(
    route: &Route,
    progress: &Progress,
    sending: impl Future<Output = Result<Answered, DialError>>,
) -> Result<Answered, Refusal> {
    let sent = match route.http.request_timeout {
        Some(limit) => time::timeout(limit, sending)
            .await
            .map_err(|_elapsed| late(progress))?,
        None => sending.await,
    };
    sent.map_err(refusal)
}

/// Who was late: the client with its body, or the endpoint with its answer.
fn late(progress: &Progress) -> Refusal {
    if progress.is_complete() {
        Refusal::AnswerTimeout
    } else {
        Refusal::BodyTimeout
    }
}

fn refusal(error: DialError) -> Refusal {
    if error.body_error().is_some_and(<dyn Error>::is::<TooLarge>) {
        Refusal::BodyTooLarge
    } else {
        Refusal::Upstream(error)
    }
}
