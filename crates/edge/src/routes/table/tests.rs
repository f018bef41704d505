use http::HeaderValue;
use proptest::prelude::*;
use switchyard_config::{HeaderMatch, Segment};

use super::*;

fn anything() -> Match {
    Match {
        hosts: Vec::new(),
        path: PathPattern::Any,
        headers: Vec::new(),
    }
}

fn acme() -> HeaderMap {
    HeaderMap::from_iter([(
        http::header::HeaderName::from_static("x-tenant"),
        HeaderValue::from_static("acme"),
    )])
}

fn found(table: &RouteTable<usize>, host: &str, path: &str, headers: &HeaderMap) -> Option<usize> {
    let host = Host::parse(host.as_bytes()).unwrap();
    let path = Path::parse(path).unwrap();
    table.find(&host, &path, headers).map(|found| *found.route)
}

#[test]
fn the_first_match_wins() {
    let exact = Match {
        path: PathPattern::Exact("/a".to_owned()),
        ..anything()
    };
    let table = RouteTable::new([(exact, 0), (anything(), 1), (anything(), 2)]).unwrap();
    assert_eq!(found(&table, "h", "/a", &HeaderMap::new()), Some(0));
    assert_eq!(found(&table, "h", "/b", &HeaderMap::new()), Some(1));
}

#[test]
fn nothing_matches_an_empty_table() {
    let table = RouteTable::new([]).unwrap();
    assert_eq!(found(&table, "h", "/", &HeaderMap::new()), None);
}

#[test]
fn a_trial_says_what_failed_first() {
    let picky = Match {
        hosts: vec![HostPattern::Exact("a.example".to_owned())],
        path: PathPattern::Prefix("/x/".to_owned()),
        headers: vec![HeaderMatch {
            name: "x-tenant".to_owned(),
            value: "acme".to_owned(),
        }],
    };
    let table = RouteTable::new([(picky, 0)]).unwrap();
    let trial = |host: &'static str, path: &'static str, headers: &HeaderMap| {
        let (host, path) = (
            Host::parse(host.as_bytes()).unwrap(),
            Path::parse(path).unwrap(),
        );
        let (_, trial) = table.trials(&host, &path, headers).next().unwrap();
        trial.map(|found| *found.route)
    };
    assert_eq!(
        trial("b.example", "/y", &HeaderMap::new()),
        Err(Mismatch::Host)
    );
    assert_eq!(
        trial("a.example", "/y", &HeaderMap::new()),
        Err(Mismatch::Path)
    );
    assert_eq!(
        trial("a.example", "/x/", &HeaderMap::new()),
        Err(Mismatch::Header)
    );
    assert_eq!(trial("a.example", "/x/", &acme()), Ok(0));
}

fn hosts() -> impl Strategy<Value = Vec<HostPattern>> {
    let pattern = prop_oneof![
        Just(HostPattern::Exact("a.b".to_owned())),
        Just(HostPattern::Exact("b".to_owned())),
        Just(HostPattern::Wildcard(".b".to_owned())),
    ];
    prop::collection::vec(pattern, 0..3)
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let segment = prop_oneof![
        "[xy]".prop_map(Segment::Literal),
        "[ij]".prop_map(Segment::Capture),
    ];
    prop::collection::vec(segment, 1..4)
}

fn paths() -> impl Strategy<Value = PathPattern> {
    prop_oneof![
        Just(PathPattern::Any),
        "(/[xy]){1,3}".prop_map(PathPattern::Exact),
        "(/[xy]){0,2}/?".prop_map(PathPattern::Prefix),
        segments().prop_map(PathPattern::Template),
    ]
}

prop_compose! {
    fn matches()(hosts in hosts(), path in paths(), tenant in any_tenant()) -> Match {
        Match { hosts, path, headers: tenant }
    }
}

fn any_tenant() -> impl Strategy<Value = Vec<HeaderMatch>> {
    let tenant = |value: &str| HeaderMatch {
        name: "x-tenant".to_owned(),
        value: value.to_owned(),
    };
    prop_oneof![
        3 => Just(Vec::new()),
        1 => Just(vec![tenant("acme")]),
        1 => Just(vec![tenant("other")]),
    ]
}

/// What a route's match means, said without the router's own helpers.
fn naive(matches: &Match, host: &str, path: &str, headers: &HeaderMap) -> bool {
    let host_matches = matches.hosts.is_empty()
        || matches.hosts.iter().any(|pattern| match pattern {
            HostPattern::Exact(name) => name == host,
            HostPattern::Wildcard(suffix) => host.ends_with(suffix.as_str()) && host != suffix,
        });
    let path_matches = match &matches.path {
        PathPattern::Any => true,
        PathPattern::Exact(exact) => exact == path,
        PathPattern::Prefix(prefix) => path.starts_with(prefix.as_str()),
        PathPattern::Template(segments) => {
            let texts: Vec<&str> = path.split('/').skip(1).collect();
            texts.len() == segments.len()
                && texts
                    .iter()
                    .zip(segments)
                    .all(|(text, segment)| match segment {
                        Segment::Literal(literal) => literal == text,
                        Segment::Capture(_) => !text.is_empty(),
                    })
        }
    };
    let headers_match = matches.headers.iter().all(|wanted| {
        headers
            .get(&wanted.name)
            .is_some_and(|value| value == &wanted.value)
    });
    host_matches && path_matches && headers_match
}

proptest! {
    #[test]
    fn finds_what_a_naive_search_finds(
        matches in prop::collection::vec(matches(), 0..6),
        host in prop_oneof![Just("a.b"), Just("b"), Just("c.a.b"), Just("c")],
        path in "(/[xy]?){1,4}",
        tenant in any::<bool>(),
    ) {
        let headers = if tenant { acme() } else { HeaderMap::new() };
        let expected = matches.iter().position(|route| naive(route, host, &path, &headers));
        let table = RouteTable::new(matches.into_iter().zip(0..)).unwrap();
        prop_assert_eq!(found(&table, host, &path, &headers), expected);
    }
}
