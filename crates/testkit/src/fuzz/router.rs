//! The router: it finds the route that a naive reading of the table finds.
//!
//! The model works on owned strings, without the router's types: hosts are compared in lower case,
//! paths in normal form character by character.

mod model;

use http::{HeaderMap, HeaderValue};
use switchyard_config::{HeaderMatch, HostPattern, Match, PathPattern, Segment};
use switchyard_edge::routes::{Host, Path, RouteTable};

use super::bytes::Bytes;

/// What texts are made of: small enough that requests hit routes, with the spellings that a
/// router may trip over.
const LABELS: [&str; 8] = ["a", "b", "A", "a.b", "chat", "x-y", "1", "a_b"];
const PIECES: [&str; 16] = [
    "a", "b", "/", "/", "a/", "rooms", "%61", "%2F", "%2f", "%C3%A9", ".", "..", "%", "~", "%7e",
    "{",
];

/// Input: a table of routes, then requests.
pub fn router(data: &[u8]) {
    let mut input = Bytes::new(data);
    let routes = input.several(5, route);
    let numbered = routes.iter().cloned().zip(0..);
    let table = RouteTable::new(numbered).expect("header names are from a list");
    for _ in 0..16 {
        if input.is_empty() {
            break;
        }
        request(&table, &routes, &mut input);
    }
}

fn route(input: &mut Bytes<'_>) -> Match {
    Match {
        hosts: input.several(2, host_pattern),
        path: path_pattern(input),
        headers: input.several(1, |input| HeaderMatch {
            name: input.pick(&["x-tenant", "x-version"]).to_owned(),
            value: input.pick(&["1", "acme", ""]).to_owned(),
        }),
    }
}

fn host_pattern(input: &mut Bytes<'_>) -> HostPattern {
    let name = input
        .several(2, |input| input.pick(&LABELS))
        .join(".")
        .to_ascii_lowercase();
    if input.byte().is_multiple_of(2) {
        HostPattern::Exact(name)
    } else {
        HostPattern::Wildcard(format!(".{name}"))
    }
}

fn path_pattern(input: &mut Bytes<'_>) -> PathPattern {
    match input.byte() % 4 {
        0 => PathPattern::Any,
        1 => PathPattern::Exact(path(input)),
        2 => PathPattern::Prefix(path(input)),
        _ => PathPattern::Template(template(input)),
    }
}

fn template(input: &mut Bytes<'_>) -> Vec<Segment> {
    let mut segments = input.several(3, |input| match input.byte() % 3 {
        0 => Segment::Capture(String::new()),
        1 => Segment::Literal(String::new()),
        _ => Segment::Literal(input.pick(&PIECES).replace('/', "")),
    });
    // Capture names are unique.
    for (at, segment) in segments.iter_mut().enumerate() {
        if let Segment::Capture(name) = segment {
            *name = format!("c{at}");
        }
    }
    segments
}

fn path(input: &mut Bytes<'_>) -> String {
    format!(
        "/{}",
        input.several(5, |input| input.pick(&PIECES)).concat()
    )
}

fn request(table: &RouteTable<usize>, routes: &[Match], input: &mut Bytes<'_>) {
    let host = host(input);
    let raw = path(input);
    let mut headers = HeaderMap::new();
    for (name, value) in input.several(2, |input| {
        (
            input.pick(&["x-tenant", "x-version", "x-other"]),
            input.pick(&["1", "acme", "", "Acme"]),
        )
    }) {
        headers.append(name, HeaderValue::from_static(value));
    }

    let parsed = Host::parse(host.as_bytes());
    let name = model::host_name(&host);
    assert_eq!(
        parsed.as_ref().ok().map(Host::name),
        name.as_deref(),
        "{host:?}"
    );
    let path = Path::parse(&raw);
    let normal = model::normal_path(&raw);
    assert_eq!(
        path.as_ref().ok().map(Path::as_str),
        normal.as_deref(),
        "{raw:?}"
    );
    let (Ok(parsed), Ok(path), Some(name), Some(normal)) = (parsed, path, name, normal) else {
        return;
    };
    assert_eq!(
        Path::parse(&normal).as_ref(),
        Ok(&path),
        "a normal form that is not normal"
    );

    let found = table.find(&parsed, &path, &headers).map(|found| {
        let captures = found
            .captures
            .iter()
            .map(|(name, text)| (name.to_owned(), text.to_owned()));
        (*found.route, captures.collect::<Vec<_>>())
    });
    assert_eq!(
        found,
        model::find(routes, &name, &normal, &headers),
        "{host:?} {raw:?}"
    );
}

fn host(input: &mut Bytes<'_>) -> String {
    let name = input.several(3, |input| input.pick(&LABELS)).join(".");
    name + input.pick(&["", "", ":80", ".", ":", ":x", ".:8080", ":99999"])
}
