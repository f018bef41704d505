//! Routes that no request can reach, because one before them takes all that they match.
//!
//! It is said only where it is certain: of two patterns, one must cover the other whole. Several
//! routes that cover a later one together are not noticed.

use crate::decode::At;
use crate::model::{HostPattern, Match, PathPattern, Segment};
use crate::report::{Problem, Report};
use crate::scalar::Name;

/// The routes so far.
#[derive(Default)]
pub(super) struct Reach {
    earlier: Vec<(At<Name>, Match)>,
}

impl Reach {
    /// Reports a route that an earlier one covers.
    pub(super) fn add(&mut self, name: &At<Name>, matches: &Match, report: &mut Report) {
        let mut earlier = self.earlier.iter();
        if let Some((first, _)) = earlier.find(|(_, early)| covers(early, matches)) {
            let message = format!("no request ever reaches the route `{}`", name.value.0);
            let first_name = &first.value.0;
            let help = format!("move it above `{first_name}`, or let that one match less");
            let problem = Problem::new(name.span, message);
            report.add(
                problem
                    .related(first.span, "takes all of its requests")
                    .help(help),
            );
        }
        self.earlier.push((name.clone(), matches.clone()));
    }
}

/// Whether every request that `late` matches is one that `early` matches.
fn covers(early: &Match, late: &Match) -> bool {
    let hosts = early.hosts.is_empty()
        || !late.hosts.is_empty()
            && late
                .hosts
                .iter()
                .all(|late| early.hosts.iter().any(|early| host(early, late)));
    hosts
        && path(&early.path, &late.path)
        && early
            .headers
            .iter()
            .all(|header| late.headers.contains(header))
}

fn host(early: &HostPattern, late: &HostPattern) -> bool {
    match (early, late) {
        (HostPattern::Exact(early), HostPattern::Exact(late)) => early == late,
        (HostPattern::Exact(_), HostPattern::Wildcard(_)) => false,
        (HostPattern::Wildcard(suffix), HostPattern::Exact(late)) => {
            late.len() > suffix.len() && late.ends_with(suffix)
        }
        (HostPattern::Wildcard(early), HostPattern::Wildcard(late)) => late.ends_with(early),
    }
}

fn path(early: &PathPattern, late: &PathPattern) -> bool {
    match (early, late) {
        (PathPattern::Any, _) => true,
        // Every path begins with a slash.
        (PathPattern::Prefix(prefix), PathPattern::Any) => prefix == "/",
        (PathPattern::Prefix(prefix), PathPattern::Exact(late) | PathPattern::Prefix(late)) => {
            late.starts_with(prefix)
        }
        (PathPattern::Prefix(prefix), PathPattern::Template(late)) => {
            beginning(late).starts_with(prefix)
        }
        (PathPattern::Exact(early), PathPattern::Exact(late)) => early == late,
        (PathPattern::Template(early), PathPattern::Template(late)) => template(early, late),
        (PathPattern::Template(early), PathPattern::Exact(late)) => {
            let late = late
                .split('/')
                .skip(1)
                .map(|part| Segment::Literal(part.to_owned()));
            template(early, &late.collect::<Vec<_>>())
        }
        (PathPattern::Exact(early), PathPattern::Template(late)) => {
            late.iter().all(|it| matches!(it, Segment::Literal(_))) && *early == beginning(late)
        }
        (
            PathPattern::Exact(_) | PathPattern::Template(_),
            PathPattern::Any | PathPattern::Prefix(_),
        ) => false,
    }
}

/// The text before the first capture.
fn beginning(template: &[Segment]) -> String {
    let mut text = String::new();
    for segment in template {
        text.push('/');
        match segment {
            Segment::Literal(literal) => text.push_str(literal),
            Segment::Capture(_) => break,
        }
    }
    text
}

fn template(early: &[Segment], late: &[Segment]) -> bool {
    let covers = |(early, late): (&Segment, &Segment)| match (early, late) {
        (Segment::Capture(_), Segment::Capture(_)) => true,
        (Segment::Capture(_), Segment::Literal(late)) => !late.is_empty(),
        (Segment::Literal(early), Segment::Literal(late)) => early == late,
        (Segment::Literal(_), Segment::Capture(_)) => false,
    };
    early.len() == late.len() && early.iter().zip(late).all(covers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::{Scalar, Template};

    fn pattern(text: &str) -> PathPattern {
        match text.split_once(' ') {
            Some(("exact", path)) => PathPattern::Exact(path.to_owned()),
            Some(("prefix", path)) => PathPattern::Prefix(path.to_owned()),
            Some((_, path)) => PathPattern::Template(Template::parse(path).unwrap().0),
            None => PathPattern::Any,
        }
    }

    #[test]
    fn paths_that_cover_another() {
        for (early, late) in [
            ("any", "any"),
            ("any", "exact /x"),
            ("prefix /", "any"),
            ("prefix /", "prefix /x"),
            ("prefix /x", "exact /xy"),
            ("prefix /x/", "template /x/{a}"),
            ("prefix /x/y", "template /x/y/{a}"),
            ("exact /x", "exact /x"),
            ("exact /x/y", "template /x/y"),
            ("template /{a}", "template /{b}"),
            ("template /{a}/y", "template /x/y"),
            ("template /{a}", "exact /x"),
        ] {
            assert!(
                path(&pattern(early), &pattern(late)),
                "{early} covers {late}"
            );
        }
    }

    #[test]
    fn paths_that_leave_something_to_another() {
        for (early, late) in [
            ("exact /x", "any"),
            ("prefix /x", "any"),
            ("prefix /x/", "exact /x"),
            ("prefix /xy", "prefix /x"),
            ("prefix /x/y", "template /x/{a}"),
            ("template /{a}", "prefix /"),
            ("template /{a}", "any"),
            ("template /x", "template /{a}"),
            ("template /{a}", "template /{a}/{b}"),
            ("template /{a}", "exact /"),
            ("template /{a}", "template /"),
            ("exact /x", "template /{a}"),
        ] {
            assert!(
                !path(&pattern(early), &pattern(late)),
                "{early} does not cover {late}"
            );
        }
    }

    #[test]
    fn hosts_that_cover_another() {
        let exact = |text: &str| HostPattern::Exact(text.to_owned());
        let wildcard = |text: &str| HostPattern::Wildcard(text.to_owned());
        assert!(host(&exact("a.b"), &exact("a.b")));
        assert!(host(&wildcard(".b"), &exact("a.b")));
        assert!(host(&wildcard(".b"), &wildcard(".a.b")));
        assert!(!host(&wildcard(".b"), &exact("b")));
        assert!(!host(&wildcard(".b"), &exact(".b")));
        assert!(!host(&exact("a.b"), &wildcard(".b")));
        assert!(!host(&wildcard(".a.b"), &wildcard(".b")));
    }

    #[test]
    fn all_of_host_path_and_headers_must_cover() {
        use crate::model::HeaderMatch;
        let any = Match {
            hosts: vec![],
            path: PathPattern::Any,
            headers: vec![],
        };
        let host = Match {
            hosts: vec![HostPattern::Exact("a".to_owned())],
            ..any.clone()
        };
        let header = HeaderMatch {
            name: "x".to_owned(),
            value: "1".to_owned(),
        };
        let header = Match {
            headers: vec![header],
            ..any.clone()
        };
        for late in [&any, &host, &header] {
            assert!(covers(&any, late) && covers(late, late));
        }
        for (early, late) in [
            (&host, &any),
            (&header, &any),
            (&host, &header),
            (&header, &host),
        ] {
            assert!(!covers(early, late));
        }
    }
}
