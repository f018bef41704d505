//! `/publish`: a message for whoever is subscribed to some channels. What a body says of a message is the same for
//! one session.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use switchyard_bus::PublishError;
use switchyard_push::{ChannelName, Envelope, Payload, Published, Push, SessionName};

use crate::answer::{Answer, Problem, bad, ok, problem};
use crate::body::{Order, too_large};
use crate::filter;
use crate::query::Query;

/// Channels of one request.
const MOST: usize = 100;

/// Bytes of a message's own id.
const MAX_ID: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    channel: Option<String>,
    channels: Option<Vec<String>>,
    text: Option<String>,
    base64: Option<String>,
    exclude: Option<String>,
    id: Option<String>,
}

pub(crate) async fn publish(
    push: &Push,
    query: Option<&str>,
    order: Order,
) -> Result<Answer, Problem> {
    Query::parse(query, &[])?;
    let most = push.hub().settings().max_message;
    let wanted: Wanted = order.read(most).await?;
    let channels = channels(wanted.channel, wanted.channels)?;
    let payload = payload(wanted.text, wanted.base64, most)?;
    let envelope = Envelope {
        is_binary: payload.is_binary,
        exclude: wanted.exclude.map(|name| excluded(&name)).transpose()?,
        id: wanted.id.map(id).transpose()?,
        seq: None,
    };
    let published = push.publish(&channels, &envelope, &payload.data).await;
    let published = published.map_err(|error| refused(&error, channels.len()))?;
    let each = channels.iter().zip(published);
    let each = each.map(|(channel, published)| described(channel, published));
    Ok(ok(&json!({ "channels": each.collect::<Vec<_>>() })))
}

/// What a message says: exactly one of the two.
pub(crate) fn payload(
    text: Option<String>,
    base64: Option<String>,
    most: usize,
) -> Result<Payload, Problem> {
    let payload = match (text, base64) {
        (Some(text), None) => Payload {
            data: text.into(),
            is_binary: false,
        },
        (None, Some(base64)) => Payload {
            data: decoded(&base64)?.into(),
            is_binary: true,
        },
        (None, None) | (Some(_), Some(_)) => {
            return Err(bad(
                "the message is either `text`, or `base64` for a binary one",
            ));
        }
    };
    if payload.data.len() > most {
        let len = payload.data.len();
        return Err(too_large(&format!(
            "the message has {len} bytes; `push.max_message` is {most}"
        )));
    }
    Ok(payload)
}

fn decoded(base64: &str) -> Result<Vec<u8>, Problem> {
    let decoded = BASE64_STANDARD.decode(base64);
    decoded.map_err(|error| bad(&format!("`base64`: {error}")))
}

fn channels(
    one: Option<String>,
    several: Option<Vec<String>>,
) -> Result<Vec<ChannelName>, Problem> {
    let names = match (one, several) {
        (Some(one), None) => vec![one],
        (None, Some(several)) if !several.is_empty() => several,
        _ => return Err(bad("one `channel`, or several `channels`")),
    };
    if names.len() > MOST {
        return Err(bad(&format!(
            "{} channels are more than {MOST}; ask several times",
            names.len()
        )));
    }
    let mut channels: Vec<ChannelName> = Vec::with_capacity(names.len());
    for name in &names {
        let channel = filter::channel(name)?;
        if channels.contains(&channel) {
            return Err(bad(&format!("`{name}` is given twice")));
        }
        channels.push(channel);
    }
    Ok(channels)
}

fn excluded(name: &str) -> Result<SessionName, Problem> {
    name.parse()
        .map_err(|why| bad(&format!("`exclude`: {why}")))
}

fn id(id: String) -> Result<Box<str>, Problem> {
    if (1..=MAX_ID).contains(&id.len()) {
        return Ok(id.into());
    }
    Err(bad(&format!("`id` has 1 to {MAX_ID} bytes")))
}

/// Of several channels the first that failed is told of.
fn refused(error: &PublishError, channels: usize) -> Problem {
    let (code, what) = match error {
        PublishError::Unreachable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the bus is unreachable: the message was not published".to_owned(),
        ),
        PublishError::Lost | PublishError::TimedOut => (
            StatusCode::GATEWAY_TIMEOUT,
            format!("{error}; whether the message was published is not known"),
        ),
        PublishError::Refused(_) => (StatusCode::BAD_GATEWAY, error.to_string()),
    };
    let others = if channels > 1 {
        "; so it is with at least one of the channels, and others may have it"
    } else {
        ""
    };
    problem(code, &format!("{what}{others}"))
}

fn described(channel: &ChannelName, published: Published) -> serde_json::Value {
    let mut described = json!({ "channel": &**channel, "replicas": published.replicas });
    if let (Some(id), Some(described)) = (published.id, described.as_object_mut()) {
        described.insert("id".to_owned(), json!(id.to_string()));
    }
    described
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{World, ask};

    async fn published(world: &World, body: Value) -> (u16, Value) {
        ask(world, "POST", "/publish", Some(body)).await
    }

    #[tokio::test]
    async fn a_message_is_published_to_channels() {
        let world = World::new();
        world.subscribe("a");
        let body = json!({ "channel": "a", "text": "hello" });
        let answer = json!({ "channels": [{ "channel": "a", "replicas": 1 }] });
        assert_eq!(published(&world, body).await, (200, answer));
        let body = json!({
            "channels": ["a", "b", "room:1"], "base64": "aGk=", "id": "7",
            "exclude": "3f9c01aa22bb-17",
        });
        let (code, mut answer) = published(&world, body).await;
        let id = answer["channels"][2]
            .as_object_mut()
            .and_then(|it| it.remove("id"));
        assert!(id.is_some_and(|id| id.is_string()));
        let expected = json!({ "channels": [
            { "channel": "a", "replicas": 1 }, { "channel": "b", "replicas": 0 },
            { "channel": "room:1", "replicas": null },
        ] });
        assert_eq!((code, answer), (200, expected));
    }

    #[tokio::test]
    async fn what_cannot_be_meant_is_refused() {
        let world = World::new();
        let many: Vec<_> = (0..=MOST).map(|number| number.to_string()).collect();
        for (body, expected) in [
            (json!({ "text": "x" }), 400),
            (json!({ "channel": "a" }), 400),
            (
                json!({ "channel": "a", "text": "x", "base64": "eA==" }),
                400,
            ),
            (
                json!({ "channel": "a", "channels": ["b"], "text": "x" }),
                400,
            ),
            (json!({ "channels": [], "text": "x" }), 400),
            (json!({ "channels": ["a", "a"], "text": "x" }), 400),
            (json!({ "channels": many, "text": "x" }), 400),
            (json!({ "channel": "a b", "text": "x" }), 400),
            (json!({ "channel": "a", "base64": "?" }), 400),
            (json!({ "channel": "a", "text": "x", "exclude": "17" }), 400),
            (json!({ "channel": "a", "text": "x", "id": "" }), 400),
            (
                json!({ "channel": "a", "text": "x", "id": "x".repeat(MAX_ID + 1) }),
                400,
            ),
            (json!({ "channel": "a", "text": "x", "chanel": "a" }), 400),
            (json!([]), 400),
            (
                json!({ "channel": "a", "text": "x".repeat(World::MAX_MESSAGE) }),
                200,
            ),
            (
                json!({ "channel": "a", "text": "x".repeat(World::MAX_MESSAGE + 1) }),
                413,
            ),
        ] {
            let (code, answer) = published(&world, body.clone()).await;
            assert_eq!(code, expected, "{body} {answer}");
            assert_eq!(answer["error"].is_string(), expected != 200, "{answer}");
        }
    }

    #[test]
    fn a_bus_that_is_gone_is_told_from_one_that_refuses() {
        let refused = PublishError::Refused("no".to_owned());
        for (error, code) in [
            (PublishError::Unreachable, 503),
            (PublishError::Lost, 504),
            (PublishError::TimedOut, 504),
            (refused, 502),
        ] {
            assert_eq!(super::refused(&error, 1).code, code);
        }
    }

    #[test]
    fn what_became_of_it_is_not_said_where_it_is_not_known() {
        let said = |error, channels| refused(&error, channels).message;
        let gone = said(PublishError::Unreachable, 1);
        assert!(
            gone.contains("was not published") && !gone.contains("others"),
            "{gone}"
        );
        let lost = said(PublishError::Lost, 1);
        assert!(lost.contains("not known"), "{lost}");
        let of_several = said(PublishError::Unreachable, 2);
        assert!(of_several.contains("others may have it"), "{of_several}");
    }
}
