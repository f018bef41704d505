//! One session, of this process or of whichever replica, by its name.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use switchyard_push::{ChannelName, Describe, Fault, Push, SessionName};
use switchyard_relay::SessionId;

use super::PATIENCE;
use super::describe::describe;
use crate::answer::{Answer, Problem, bad, fault, ok, problem};
use crate::body::Order;
use crate::filter;
use crate::publish::payload;
use crate::query::Query;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    text: Option<String>,
    base64: Option<String>,
}

/// What other replicas are told of sessions of this one: the same that is answered here.
#[must_use]
pub fn describing(push: Push) -> Describe {
    Box::new(move |handle| {
        let push = push.clone();
        Box::pin(async move { describe(&push, &handle, PATIENCE).await })
    })
}

/// How it stands.
pub(crate) async fn show(push: &Push, id: &str) -> Result<Answer, Problem> {
    let shown = push.show(named(push, id)?).await;
    shown
        .map(|session| ok(&session))
        .map_err(|why| not_found(id, &why))
}

/// Sends it a message.
pub(crate) async fn send(
    push: &Push,
    id: &str,
    query: Option<&str>,
    order: Order,
) -> Result<Answer, Problem> {
    Query::parse(query, &[])?;
    let name = named(push, id)?;
    let most = push.hub().settings().max_message;
    let wanted: Wanted = order.read(most).await?;
    let payload = payload(wanted.text, wanted.base64, most)?;
    let sent = push.send(name, &payload).await;
    sent.map_err(|why| fault(&why, StatusCode::GONE))?;
    Ok(ok(&json!({ "session": name.to_string(), "queued": true })))
}

/// Subscribes it to a channel.
pub(crate) async fn subscribe(
    push: &Push,
    id: &str,
    channel: &str,
    query: Option<&str>,
) -> Result<Answer, Problem> {
    Query::parse(query, &[])?;
    let (name, channel) = (named(push, id)?, filter::channel(channel)?);
    push.enter(name, &channel)
        .await
        .map_err(|why| not_found(id, &why))?;
    Ok(told(name, &channel))
}

/// Ends a subscription of it, if it is there.
pub(crate) async fn unsubscribe(
    push: &Push,
    id: &str,
    channel: &str,
    query: Option<&str>,
) -> Result<Answer, Problem> {
    Query::parse(query, &[])?;
    let (name, channel) = (named(push, id)?, filter::channel(channel)?);
    let left = push.leave_channel(name, &channel).await;
    left.map_err(|why| not_found(id, &why))?;
    Ok(told(name, &channel))
}

/// Whose subscription it is about, and to which channel.
fn told(name: SessionName, channel: &ChannelName) -> Answer {
    ok(&json!({ "session": name.to_string(), "channel": &**channel }))
}

/// The number of a session of this process, or the name of one of any.
pub(super) fn named(push: &Push, id: &str) -> Result<SessionName, Problem> {
    if let Ok(number) = id.parse() {
        return Ok(push.name(SessionId::of(number)));
    }
    id.parse().map_err(|_no_name| {
        bad("a session is named by its number here, or by its `name`, such as 3f9c01aa22bb-17")
    })
}

/// Why it was not done, for what was named by this.
pub(super) fn not_found(id: &str, why: &Fault) -> Problem {
    let is_number = id.parse::<u64>().is_ok();
    if *why == Fault::Gone && is_number {
        return problem(
            StatusCode::NOT_FOUND,
            "this process has no open session of this number; each process counts anew",
        );
    }
    fault(why, StatusCode::NOT_FOUND)
}
