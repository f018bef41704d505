//! Paths of a match: whole ones, beginnings, and templates with captures.
//!
//! A path is compared byte by byte with the request's own, percent-encoding and all.

use serde_json::Value as Json;

use super::{CaptureName, Complaint, Scalar, text_schema};
use crate::model::Segment;

/// A path and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathExact(pub(crate) String);

/// The beginning of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPrefix(pub(crate) String);

/// A path whose segments may be captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(pub(crate) Vec<Segment>);

const PLAIN_PATTERN: &str = "^/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$";

impl Scalar for PathExact {
    const KIND: &'static str = "a path";

    fn parse(text: &str) -> Result<Self, Complaint> {
        plain(text).map(Self)
    }

    fn schema() -> Json {
        text_schema(PLAIN_PATTERN)
    }
}

impl Scalar for PathPrefix {
    const KIND: &'static str = "the beginning of a path";

    fn parse(text: &str) -> Result<Self, Complaint> {
        plain(text).map(Self)
    }

    fn schema() -> Json {
        text_schema(PLAIN_PATTERN)
    }
}

impl Scalar for Template {
    const KIND: &'static str = "a path template";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let rest = rooted(text)?;
        let mut segments = Vec::new();
        let mut parts = rest.split('/').peekable();
        while let Some(part) = parts.next() {
            if part.is_empty() && parts.peek().is_some() {
                let complaint = Complaint::new(format!("`{text}` has an empty segment"));
                return Err(complaint.help("one slash is enough"));
            }
            segments.push(segment(text, part, &segments)?);
        }
        Ok(Self(segments))
    }

    fn schema() -> Json {
        text_schema("^/[A-Za-z0-9._~!$&'()+,;=:@%/{}-]*$")
    }
}

fn plain(text: &str) -> Result<String, Complaint> {
    rooted(text)?;
    if text.contains(['{', '}']) {
        let complaint = Complaint::new(format!("`{text}` has braces"));
        return Err(complaint.help("captures belong in `path`"));
    }
    characters(text, text)?;
    Ok(text.to_owned())
}

/// What follows the first slash.
fn rooted(text: &str) -> Result<&str, Complaint> {
    text.strip_prefix('/').ok_or_else(|| {
        Complaint::new(format!("the path `{text}` does not begin with `/`"))
            .help(format!("did you mean `/{text}`?"))
    })
}

/// RFC 3986 section 3.3: `pchar` and slashes.
fn characters(text: &str, part: &str) -> Result<(), Complaint> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._~!$&'()*+,;=:@%/-".contains(c);
    let Some(stranger) = part.chars().find(|c| !allowed(*c)) else {
        return Ok(());
    };
    let complaint = Complaint::new(format!("`{text}` is not a path: it has `{stranger}` in it"));
    Err(complaint.help(match stranger {
        '?' => "the query is no part of it",
        '#' => "a request has no fragment",
        _ => "write it percent-encoded, as clients send it",
    }))
}

fn segment(text: &str, part: &str, before: &[Segment]) -> Result<Segment, Complaint> {
    if !part.contains(['{', '}']) {
        return literal(text, part);
    }
    let name = part
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let Some(name) = name.filter(|name| CaptureName::allows(name)) else {
        let complaint = Complaint::new(format!("`{part}` is not a capture"));
        return Err(complaint.help("a capture is a whole segment with a name: `/rooms/{room}`"));
    };
    let capture = Segment::Capture(name.to_owned());
    if before.contains(&capture) {
        return Err(Complaint::new(format!("`{text}` captures `{name}` twice")));
    }
    Ok(capture)
}

fn literal(text: &str, part: &str) -> Result<Segment, Complaint> {
    if part.contains('*') {
        let complaint = Complaint::new(format!("`*` means nothing in the template `{text}`"));
        return Err(complaint.help("write a capture, such as `{name}`, or use `path_prefix`"));
    }
    characters(text, part)?;
    Ok(Segment::Literal(part.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Segment {
        Segment::Literal(text.to_owned())
    }

    fn capture(text: &str) -> Segment {
        Segment::Capture(text.to_owned())
    }

    #[test]
    fn templates() {
        for (text, segments) in [
            ("/", vec![literal("")]),
            ("/rooms", vec![literal("rooms")]),
            ("/rooms/", vec![literal("rooms"), literal("")]),
            ("/rooms/{room}", vec![literal("rooms"), capture("room")]),
            (
                "/{a}/x%20y/{b}/",
                vec![capture("a"), literal("x%20y"), capture("b"), literal("")],
            ),
        ] {
            assert_eq!(Template::parse(text), Ok(Template(segments)), "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in [
            "",
            "rooms",
            "/rooms//x",
            "//",
            "/rooms/{room}x",
            "/rooms/{}",
            "/{a}/{a}",
            "/{2}",
            "/rooms/*",
            "/x?y=1",
            "/x#y",
            "/a b",
            "/é",
            "/{room:.*}",
            "/}{",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_paths_and_beginnings() {
        for text in ["/", "/x", "/x/", "//", "/a*b"] {
            assert_eq!(PathExact::parse(text), Ok(PathExact(text.to_owned())));
            assert_eq!(PathPrefix::parse(text), Ok(PathPrefix(text.to_owned())));
        }
        for text in ["", "x", "/{x}", "/x?y", "/a b"] {
            assert!(
                PathExact::parse(text).is_err() && PathPrefix::parse(text).is_err(),
                "{text}"
            );
        }
    }
}
