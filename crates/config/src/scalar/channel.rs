//! Channels: names as a route writes them down, and beginnings of names.

use serde_json::{Value as Json, json};

use super::{CaptureName, Complaint, HeaderName, QueryName, Scalar, Subprotocol};
use crate::model::{ChannelPart, ChannelSource, ChannelTemplate};
use crate::suggest;

/// Bytes that the name of a channel may have.
const MAX_BYTES: usize = 255;
/// Where values may come from.
const SOURCES: [&str; 4] = ["path", "query", "header", "subprotocol"];

/// The name of a channel, with values of the request in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel(pub(crate) ChannelTemplate);

/// What the names of some channels begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelPrefix(pub(crate) String);

impl Scalar for Channel {
    const KIND: &'static str = "a channel";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let parts = parts(text)?;
        let literal = |part: &ChannelPart| match part {
            ChannelPart::Literal(text) => text.len(),
            ChannelPart::Value(_) => 0,
        };
        fits(parts.iter().map(literal).sum())?;
        Ok(Self(ChannelTemplate(parts)))
    }

    fn schema() -> Json {
        let value = r"\{(path|query|header|subprotocol)\.[^{}]+\}";
        json!({ "type": "string", "pattern": format!(r"^([^{{}}\s]|{value})+$") })
    }
}

impl Scalar for ChannelPrefix {
    const KIND: &'static str = "the beginning of a channel's name";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.is_empty() {
            return Err(Complaint::new("this beginning is empty").help("such as `room:`"));
        }
        fits(text.len())?;
        literal(text).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": r"^\S+$" })
    }
}

/// The parts of a name that is not empty.
fn parts(text: &str) -> Result<Vec<ChannelPart>, Complaint> {
    if text.is_empty() {
        let complaint = Complaint::new("a channel needs a name");
        return Err(complaint.help("such as `news`, or `room:{path.room}`"));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((inside, after)) = behind.split_once('}') else {
            let complaint = Complaint::new(format!("`{text}` has a `{{` that nothing closes"));
            return Err(complaint.help("a value is written `{path.room}`"));
        };
        push_literal(&mut parts, text, before)?;
        parts.push(ChannelPart::Value(value(inside)?));
        rest = after;
    }
    push_literal(&mut parts, text, rest)?;
    Ok(parts)
}

fn push_literal(parts: &mut Vec<ChannelPart>, text: &str, part: &str) -> Result<(), Complaint> {
    if part.contains('}') {
        let complaint = Complaint::new(format!("`{text}` has a `}}` that closes nothing"));
        return Err(complaint.help("a value is written `{path.room}`"));
    }
    if !part.is_empty() {
        parts.push(ChannelPart::Literal(literal(part)?));
    }
    Ok(())
}

fn literal(text: &str) -> Result<String, Complaint> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let complaint = Complaint::new(format!("`{}` has white space in it", text.escape_debug()));
        return Err(complaint.help("a channel's name has none, and no control characters"));
    }
    Ok(text.to_owned())
}

fn fits(bytes: usize) -> Result<(), Complaint> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    let message = format!("{bytes} bytes are written out here");
    Err(Complaint::new(message).help(format!("a channel's name has at most {MAX_BYTES}")))
}

/// What stands between braces.
fn value(inside: &str) -> Result<ChannelSource, Complaint> {
    let (source, name) = inside.split_once('.').unwrap_or((inside, ""));
    let source = match source {
        _ if !SOURCES.contains(&source) => return Err(unknown(source)),
        _ if name.is_empty() => return Err(nameless(source)),
        "path" => ChannelSource::Path(CaptureName::parse(name)?.0),
        "query" => ChannelSource::Query(QueryName::parse(name)?.0),
        "header" => ChannelSource::Header(HeaderName::parse(name)?.0),
        _ => ChannelSource::Subprotocol(Subprotocol::parse(name)?.0),
    };
    Ok(source)
}

fn unknown(source: &str) -> Complaint {
    if source.is_empty() {
        let complaint = Complaint::new("these braces do not say where the value comes from");
        return complaint.help("a value is written `{path.room}`");
    }
    let complaint = Complaint::new(format!("no value comes from `{source}`"));
    complaint.help(suggest::help(source, &SOURCES, "sources"))
}

fn nameless(source: &str) -> Complaint {
    let complaint = Complaint::new(format!("`{{{source}}}` does not say which"));
    complaint.help(format!("a value is written `{{{source}.NAME}}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> ChannelPart {
        ChannelPart::Literal(text.to_owned())
    }

    #[test]
    fn names_have_values_between_their_text() {
        let path = || ChannelPart::Value(ChannelSource::Path("room".to_owned()));
        let header = ChannelPart::Value(ChannelSource::Header("x-user-id".to_owned()));
        let query = ChannelPart::Value(ChannelSource::Query("a b.c".to_owned()));
        let ticket = ChannelPart::Value(ChannelSource::Subprotocol("ticket.v1".to_owned()));
        for (written, parts) in [
            ("news", vec![text("news")]),
            ("é:*", vec![text("é:*")]),
            ("{path.room}", vec![path()]),
            ("room:{path.room}", vec![text("room:"), path()]),
            ("{path.room}{header.X-User-Id}", vec![path(), header]),
            ("a{query.a b.c}b", vec![text("a"), query, text("b")]),
            ("{subprotocol.ticket.v1}", vec![ticket]),
        ] {
            let parsed = Channel::parse(written).map(|channel| channel.0.0);
            assert_eq!(parsed, Ok(parts), "{written}");
        }
        assert!(Channel::parse(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn what_is_no_name_is_helped_on() {
        for (written, said) in [
            ("", "a channel needs a name"),
            ("a b", "`a b` has white space in it"),
            ("a\n{path.room}", r"`a\n` has white space in it"),
            ("room:{path.room", "a `{` that nothing closes"),
            ("room:path.room}", "a `}` that closes nothing"),
            ("{}", "do not say where the value comes from"),
            ("{.room}", "do not say where the value comes from"),
            ("{path}", "`{path}` does not say which"),
            ("{path.}", "`{path}` does not say which"),
            ("{paths.room}", "did you mean `path`?"),
            (
                "{room}",
                "the sources here are `path`, `query`, `header` and `subprotocol`",
            ),
            ("{jwt.sub}", "does not have `jwt` yet"),
            ("{claims.sub}", "does not have `claims` yet"),
            ("{path.a-b}", "is not the name of a capture"),
            ("{header.a b}", "is not a header name"),
            ("{subprotocol.a/b}", "is not a subprotocol"),
            ("{query.{path.room}}", "a `}` that closes nothing"),
            (&"x".repeat(256), "256 bytes are written out here"),
        ] {
            let complaint = Channel::parse(written).expect_err(written).to_string();
            assert!(complaint.contains(said), "{written}: {complaint}");
        }
    }

    #[test]
    fn beginnings_are_text() {
        assert!(ChannelPrefix::parse("room:").is_ok());
        for text in ["", "room: ", "a\tb", &"x".repeat(256)] {
            assert!(ChannelPrefix::parse(text).is_err(), "{text:?}");
        }
    }
}
