//! What clients get of channels that keep what is published: text messages with ids, so that they can say where they had
//! got to.

use std::str;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;
use switchyard_bus::MessageId;

#[derive(Serialize)]
struct Kept<'a> {
    channel: &'a str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

#[derive(Serialize)]
struct Marker<'a> {
    channel: &'a str,
    recovered: usize,
    gap: bool,
    id: String,
}

/// A message, text where it is not said to be binary and can be text.
pub(crate) fn kept(channel: &str, id: MessageId, payload: &[u8], is_binary: bool) -> String {
    let data = str::from_utf8(payload).ok().filter(|_| !is_binary);
    let kept = Kept {
        channel,
        id: id.to_string(),
        data,
        base64: data.is_none().then(|| BASE64_STANDARD.encode(payload)),
    };
    written(&kept)
}

/// What stands between those that were missed and those that come live: how many there were, whether there were more, and
/// the last that had been published.
pub(crate) fn marker(channel: &str, recovered: usize, gap: bool, last: MessageId) -> String {
    written(&Marker {
        channel,
        recovered,
        gap,
        id: last.to_string(),
    })
}

fn written(what: &impl Serialize) -> String {
    // Nothing in it can fail: text and numbers, into memory.
    serde_json::to_string(what).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: MessageId = MessageId {
        major: 1_764_322_153_000,
        minor: 0,
    };

    #[test]
    fn text_stays_text_and_what_is_none_is_base64() {
        assert_eq!(
            kept("room:42", ID, b"say \"hi\"", false),
            r#"{"channel":"room:42","id":"1764322153000-0","data":"say \"hi\""}"#
        );
        assert_eq!(
            kept("a", ID, b"hi", true),
            r#"{"channel":"a","id":"1764322153000-0","base64":"aGk="}"#
        );
        assert_eq!(
            kept("a", ID, b"\xff", false),
            r#"{"channel":"a","id":"1764322153000-0","base64":"/w=="}"#
        );
    }

    #[test]
    fn the_marker_says_what_was_missed() {
        assert_eq!(
            marker("room:42", 3, false, ID),
            r#"{"channel":"room:42","recovered":3,"gap":false,"id":"1764322153000-0"}"#
        );
    }
}
