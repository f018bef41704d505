//! Which channels a session is subscribed to when it opens: those of its route's templates, and those that the
//! endpoint names in its 101.
//!
//! A value of the request stands in a name as JavaScript's `encodeURIComponent` writes it, so that none can be taken
//! for what the route has written around it. Not here: subscriptions.

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, HeaderName};
use switchyard_config::{ChannelPart, ChannelSource, ChannelTemplate};
use switchyard_push::ChannelName;

use crate::affinity::Places;
use crate::query::{self, Plus};
use crate::refusal::Refusal;

/// Names the channels that an endpoint wants a session to have.
const CHANNELS: HeaderName = HeaderName::from_static("switchyard-channels");

/// The channels of one request, each once: no more than `most`.
///
/// # Errors
/// There are more, or the name of one would be too long.
pub(crate) fn of_request(
    templates: &[ChannelTemplate],
    places: &Places<'_>,
    most: usize,
) -> Result<Vec<ChannelName>, Refusal> {
    let mut channels = Vec::new();
    for template in templates {
        for name in names(template, places, most)? {
            let name = ChannelName::new(&name).map_err(|_too_long| Refusal::LongChannel)?;
            if !channels.contains(&name) {
                channels.push(name);
            }
        }
        if channels.len() > most {
            return Err(Refusal::ManyChannels);
        }
    }
    Ok(channels)
}

/// What one template comes to: a name for each value, none where a value is missing.
fn names(
    template: &ChannelTemplate,
    places: &Places<'_>,
    most: usize,
) -> Result<Vec<String>, Refusal> {
    let mut names = vec![String::new()];
    for part in &template.0 {
        names = match part {
            ChannelPart::Literal(text) => names.into_iter().map(|name| name + text).collect(),
            ChannelPart::Value(source) => {
                let values = values(source, places);
                if values.iter().any(|it| it.len() > ChannelName::MAX_BYTES) {
                    return Err(Refusal::LongChannel);
                }
                if names.len().saturating_mul(values.len()) > most {
                    return Err(Refusal::ManyChannels);
                }
                let with = |name: &String| values.iter().map(|it| name.clone() + it).collect();
                names.iter().flat_map::<Vec<_>, _>(with).collect()
            }
        };
    }
    Ok(names)
}

/// The values of a source that are not empty, as they stand in a name, each once.
fn values(source: &ChannelSource, places: &Places<'_>) -> Vec<String> {
    let mut values = match source {
        ChannelSource::Path(name) => {
            let captured = places.captures.get(name);
            one(captured.map(|text| encode(&query::decode(text, Plus::IsPlus))))
        }
        ChannelSource::Header(name) => {
            let value = places.headers.get(name);
            one(value.map(|value| encode(value.as_bytes())))
        }
        ChannelSource::Subprotocol(name) => {
            one(offered(places.headers, name).map(|rest| encode(rest.as_bytes())))
        }
        ChannelSource::Query(name) => {
            let found = query::find_all(places.query.unwrap_or_default(), name);
            found.map(|value| encode(&value)).collect()
        }
    };
    values.retain(|value| !value.is_empty());
    values.sort_unstable();
    values.dedup();
    values
}

fn one(value: Option<String>) -> Vec<String> {
    value.into_iter().collect()
}

/// The rest of the first offered subprotocol that begins with `name` and a dot.
fn offered<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut offered = list(headers, &SEC_WEBSOCKET_PROTOCOL);
    offered.find_map(|text| chosen(text?, name))
}

/// What follows `name` and a dot in a subprotocol.
pub(crate) fn chosen<'a>(subprotocol: &'a str, name: &str) -> Option<&'a str> {
    subprotocol.strip_prefix(name)?.strip_prefix('.')
}

/// The items of a field that is a list, over all of its lines; `None` for one that is no text.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = Option<&'a str>> {
    let lines = headers.get_all(name).iter();
    let items = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    items.map(|item| Some(std::str::from_utf8(item).ok()?.trim_matches([' ', '\t'])))
}

/// All but letters, digits and some marks as `%XX`.
fn encode(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
            let digits = [digit(byte >> 4), digit(byte & 0x0f)];
            text.push('%');
            text.extend(digits.map(|digit| digit.to_ascii_uppercase()));
        }
    }
    text
}

/// Takes the channels out of an endpoint's answer, which is no matter of the client's. What is no name is left out.
pub(crate) fn announced(headers: &mut HeaderMap, endpoint: &str) -> Vec<ChannelName> {
    let mut channels = Vec::new();
    for item in list(headers, &CHANNELS).filter(|item| *item != Some("")) {
        match item.map(ChannelName::new) {
            Some(Ok(name)) => channels.push(name),
            Some(Err(reason)) => {
                tracing::warn!(endpoint, %reason, "an endpoint names a channel that there cannot be");
            }
            None => tracing::warn!(endpoint, "an endpoint names a channel that is not UTF-8"),
        }
    }
    strip(headers);
    channels
}

/// Takes them out of an answer that opens no session.
pub(crate) fn strip(headers: &mut HeaderMap) {
    headers.remove(CHANNELS);
}

#[cfg(test)]
mod tests;
