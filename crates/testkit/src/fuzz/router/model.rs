//! The router as one would explain it: try each route in turn.

use http::HeaderMap;
use switchyard_config::{HostPattern, Match, PathPattern, Segment};

type Captured = Vec<(String, String)>;

pub(super) fn find(
    routes: &[Match],
    host: &str,
    path: &str,
    headers: &HeaderMap,
) -> Option<(usize, Captured)> {
    routes.iter().enumerate().find_map(|(at, route)| {
        let has_headers = route.headers.iter().all(|wanted| {
            headers
                .iter()
                .any(|(name, value)| name.as_str() == wanted.name && *value == *wanted.value)
        });
        if !has_headers || !has_host(&route.hosts, host) {
            return None;
        }
        captured(&route.path, path).map(|captured| (at, captured))
    })
}

/// The name in lower case without port and final dot, if the text names a host. Brackets do not
/// occur here.
pub(super) fn host_name(text: &str) -> Option<String> {
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    if !port.is_empty() && port.parse::<u16>().is_err() {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    let labels_are_there = name.split('.').all(|label| !label.is_empty());
    labels_are_there.then_some(name)
}

fn has_host(patterns: &[HostPattern], host: &str) -> bool {
    let has = |pattern: &HostPattern| match pattern {
        HostPattern::Exact(name) => host == name,
        HostPattern::Wildcard(suffix) => host
            .strip_suffix(suffix.as_str())
            .is_some_and(|rest| !rest.is_empty()),
    };
    patterns.is_empty() || patterns.iter().any(has)
}

/// The path character by character: `%61` is `a`, `%2f` is `%2F`.
pub(super) fn normal_path(raw: &str) -> Option<String> {
    let normal = normal_text(raw)?;
    let has_dots = normal
        .split('/')
        .any(|segment| segment == "." || segment == "..");
    (!has_dots).then_some(normal)
}

fn normal_text(raw: &str) -> Option<String> {
    let mut normal = String::new();
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            normal.push(character);
            continue;
        }
        let high = characters.next()?.to_digit(16)?;
        let low = characters.next()?.to_digit(16)?;
        let decoded = char::from_u32(high * 16 + low)?;
        if decoded.is_ascii_alphanumeric() || "-._~".contains(decoded) {
            normal.push(decoded);
        } else {
            normal.extend(['%', upper(high), upper(low)]);
        }
    }
    Some(normal)
}

fn upper(digit: u32) -> char {
    char::from_digit(digit, 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

fn captured(pattern: &PathPattern, path: &str) -> Option<Captured> {
    // A text of the configuration without a normal form is compared as it is.
    let text = |text: &String| normal_text(text).unwrap_or_else(|| text.clone());
    let matched = match pattern {
        PathPattern::Any => true,
        PathPattern::Exact(exact) => path == text(exact),
        PathPattern::Prefix(prefix) => path.starts_with(&text(prefix)),
        PathPattern::Template(segments) => {
            let texts: Vec<&str> = path.split('/').skip(1).collect();
            if !path.starts_with('/') || texts.len() != segments.len() {
                return None;
            }
            return segments
                .iter()
                .zip(texts)
                .try_fold(Vec::new(), |mut captured, pair| {
                    match pair {
                        (Segment::Literal(literal), found) if text(literal) == found => {}
                        (Segment::Capture(name), found) if !found.is_empty() => {
                            captured.push((name.clone(), found.to_owned()));
                        }
                        (Segment::Literal(_) | Segment::Capture(_), _) => return None,
                    }
                    Some(captured)
                });
        }
    };
    matched.then(Vec::new)
}
