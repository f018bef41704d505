//! The path of a request in the one spelling that routes are compared in, and what it may match.

use std::borrow::Cow;

use switchyard_config::{PathPattern, Segment};

/// A path without its query, in normal form.
///
/// Percent-encoded characters that need no encoding are decoded and the rest is written in upper
/// case (RFC 3986 sections 6.2.2.1 and 6.2.2.2). Two spellings of a path thus take the same route,
/// and `/%61dmin` cannot slip past a route for `/admin`. The endpoint still gets the client's own
/// spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a>(Cow<'a, str>);

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It has a segment `.` or `..`. Clients resolve these before they send (RFC 3986 section
    /// 5.2.4); one that arrives is there to make the gateway and the endpoint see different paths.
    #[error("the path has a dot segment")]
    DotSegment,
    /// It has a percent sign that two hexadecimal digits do not follow (RFC 3986 section 2.1).
    #[error("the path has a broken percent-encoding")]
    Encoding,
}

impl<'a> Path<'a> {
    /// Brings the path of a request target into normal form.
    ///
    /// # Errors
    /// The path has a dot segment, plain or percent-encoded, or a broken percent-encoding.
    pub fn parse(raw: &'a str) -> Result<Self, BadPath> {
        let path = normal_form(raw).ok_or(BadPath::Encoding)?;
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(BadPath::DotSegment);
        }
        Ok(Self(path))
    }

    /// The path in normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The captures of a path template, in the order of the template, still percent-encoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captures<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Captures<'a> {
    /// The text that the capture `name` stands for.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Name and text of each capture.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().copied()
    }
}

/// Writes the texts of `pattern` in the normal form that request paths are compared in. A text
/// without one stays as it is, and matches no request.
pub(super) fn normalise(pattern: PathPattern) -> PathPattern {
    match pattern {
        PathPattern::Any => PathPattern::Any,
        PathPattern::Exact(path) => PathPattern::Exact(normal_text(path)),
        PathPattern::Prefix(path) => PathPattern::Prefix(normal_text(path)),
        PathPattern::Template(segments) => {
            PathPattern::Template(segments.into_iter().map(normal_segment).collect())
        }
    }
}

fn normal_segment(segment: Segment) -> Segment {
    match segment {
        Segment::Literal(text) => Segment::Literal(normal_text(text)),
        Segment::Capture(name) => Segment::Capture(name),
    }
}

fn normal_text(text: String) -> String {
    match normal_form(&text) {
        Some(Cow::Owned(normal)) => normal,
        Some(Cow::Borrowed(_)) | None => text,
    }
}

/// What `path` gives to `pattern`'s captures, or `None` where it does not match.
pub(super) fn matches<'a>(pattern: &'a PathPattern, path: &'a Path<'_>) -> Option<Captures<'a>> {
    let path = path.as_str();
    let matched = match pattern {
        PathPattern::Any => true,
        PathPattern::Exact(exact) => path == exact,
        PathPattern::Prefix(prefix) => path.starts_with(&**prefix),
        PathPattern::Template(segments) => return capture(segments, path),
    };
    matched.then(Captures::default)
}

fn capture<'a>(segments: &'a [Segment], path: &'a str) -> Option<Captures<'a>> {
    let mut texts = path.strip_prefix('/')?.split('/');
    let mut captures = Vec::new();
    for segment in segments {
        match (segment, texts.next()?) {
            (Segment::Literal(literal), text) if literal == text => {}
            (Segment::Capture(name), text) if !text.is_empty() => captures.push((&**name, text)),
            (Segment::Literal(_) | Segment::Capture(_), _) => return None,
        }
    }
    texts.next().is_none().then_some(Captures(captures))
}

/// `None`: a percent sign that two hexadecimal digits do not follow.
fn normal_form(raw: &str) -> Option<Cow<'_, str>> {
    let Some((start, encoded)) = raw.split_once('%') else {
        return Some(Cow::Borrowed(raw));
    };
    let mut normal = String::with_capacity(raw.len());
    normal.push_str(start);
    for piece in encoded.split('%') {
        let (digits, rest) = piece.split_at_checked(2)?;
        push_decoded(&mut normal, digits)?;
        normal.push_str(rest);
    }
    Some(Cow::Owned(normal))
}

fn push_decoded(normal: &mut String, digits: &str) -> Option<()> {
    let byte = hex_byte(digits)?;
    if is_unreserved(byte) {
        normal.push(char::from(byte));
    } else {
        normal.push('%');
        normal.extend(digits.chars().map(|digit| digit.to_ascii_uppercase()));
    }
    Some(())
}

fn hex_byte(digits: &str) -> Option<u8> {
    let all_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all_hex
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(segments: &[&str]) -> PathPattern {
        let segment = |text: &&str| match text.strip_prefix(':') {
            Some(name) => Segment::Capture(name.to_owned()),
            None => Segment::Literal((*text).to_owned()),
        };
        PathPattern::Template(segments.iter().map(segment).collect())
    }

    fn captured(pattern: &PathPattern, raw: &str) -> Option<Vec<(String, String)>> {
        let path = Path::parse(raw).unwrap();
        matches(pattern, &path).map(|captures| {
            captures
                .iter()
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect()
        })
    }

    #[test]
    fn normal_form_decodes_what_needs_no_encoding() {
        for (raw, normal) in [
            ("/rooms/7", "/rooms/7"),
            ("/%61dmin", "/admin"),
            ("/a%2fb", "/a%2Fb"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/%7euser", "/~user"),
            ("*", "*"),
        ] {
            assert_eq!(Path::parse(raw).unwrap().as_str(), normal, "{raw}");
        }
    }

    #[test]
    fn dot_segments_are_refused_in_any_spelling() {
        for raw in [
            "/a/../b",
            "/..",
            "/.",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/a/./b",
            "..",
        ] {
            assert_eq!(Path::parse(raw), Err(BadPath::DotSegment), "{raw}");
        }
        for raw in ["/...", "/a..b", "/.well-known/x", "/a/..b"] {
            assert!(Path::parse(raw).is_ok(), "{raw}");
        }
    }

    #[test]
    fn a_broken_percent_encoding_is_refused() {
        for raw in ["/100%", "/%4", "/%zz", "/%+1", "/%%41", "/%\u{e9}a"] {
            assert_eq!(Path::parse(raw), Err(BadPath::Encoding), "{raw}");
        }
    }

    #[test]
    fn exact_and_prefix_compare_the_text() {
        let exact = PathPattern::Exact("/ws".to_owned());
        let prefix = PathPattern::Prefix("/ws/".to_owned());
        assert!(captured(&exact, "/ws").is_some());
        assert!(captured(&exact, "/%77s").is_some());
        assert!(captured(&exact, "/ws/").is_none());
        assert!(captured(&prefix, "/ws/").is_some());
        assert!(captured(&prefix, "/ws/a/b").is_some());
        assert!(captured(&prefix, "/ws").is_none());
        assert!(captured(&PathPattern::Any, "*").is_some());
    }

    #[test]
    fn templates_capture_whole_segments() {
        let rooms = template(&["rooms", ":room"]);
        let pair = |room: &str| Some(vec![("room".to_owned(), room.to_owned())]);
        assert_eq!(captured(&rooms, "/rooms/7"), pair("7"));
        assert_eq!(captured(&rooms, "/rooms/a%2Fb"), pair("a%2Fb"));
        for other in [
            "/rooms",
            "/rooms/",
            "/rooms/7/",
            "/rooms/7/x",
            "/halls/7",
            "*",
            "/",
        ] {
            assert_eq!(captured(&rooms, other), None, "{other}");
        }
        assert_eq!(
            captured(&template(&["rooms", ":room", ""]), "/rooms/7/"),
            pair("7")
        );
    }

    #[test]
    fn patterns_are_brought_into_normal_form_too() {
        let pattern = normalise(PathPattern::Exact("/%63af%c3%a9".to_owned()));
        assert!(captured(&pattern, "/caf%C3%A9").is_some());
        let pattern = normalise(template(&["%61", ":x"]));
        assert!(captured(&pattern, "/a/1").is_some());
    }

    proptest! {
        #[test]
        fn the_normal_form_of_a_path_is_its_own(raw in "/([a-z/]|%[0-9a-fA-F]{2}|\\PC){0,20}") {
            if let Ok(path) = Path::parse(&raw) {
                prop_assert_eq!(&Path::parse(path.as_str()).unwrap(), &path);
            }
        }
    }
}
