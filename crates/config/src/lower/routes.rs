//! Routes: clusters that exist, captures that the path has, channels, policy.

mod affinity;
mod channels;
mod push_only;
mod target;
mod websocket;

use super::reach::Reach;
use super::{Names, optional};
use crate::decode::{At, Known, List};
use crate::model::{Http, Match, PathPattern, Route};
use crate::raw;
use crate::report::{Problem, Report};
use crate::source::Span;

/// Checks the routes; `clusters` are the names they may refer to.
pub(super) fn lower(
    list: List<raw::Route, 1>,
    clusters: Known<&Names>,
    report: &mut Report,
) -> Option<Vec<Route>> {
    let mut names = Names::new("route", list.complete);
    let mut reach = Reach::default();
    let mut routes = Vec::new();
    for raw in list.items {
        names.define(raw.name.as_ref(), report);
        routes.push(route(raw, clusters, &mut reach, report));
    }
    routes.into_iter().collect()
}

fn route(
    raw: raw::Route,
    clusters: Known<&Names>,
    reach: &mut Reach,
    report: &mut Report,
) -> Option<Route> {
    push_only::report(&raw, report);
    let target = target::lower(&raw, clusters, report);
    let template = raw.matches.as_ref().and_then(|raw| raw.path.as_ref());
    let affinity = raw
        .affinity
        .and_then(|list| affinity::lower(list.items, template, report));
    let channels = raw
        .channels
        .and_then(|list| channels::lower(list.value, template, report));
    let matches = raw.matches.and_then(|raw| matches(raw, report));
    let websocket = raw.websocket.and_then(|raw| websocket::lower(raw, report));
    if let (Some(name), Some(matches)) = (&raw.name, &matches) {
        reach.add(name, matches, report);
    }
    Some(Route {
        name: raw.name?.value.0,
        matches: matches?,
        target: target?,
        channels: channels?,
        affinity: affinity?,
        websocket: websocket?,
        http: http(&raw.http?.value)?,
    })
}

fn matches(raw: raw::Match, report: &mut Report) -> Option<Match> {
    report_several_paths(&raw, report);
    let path = match (raw.path?, raw.path_exact?, raw.path_prefix?) {
        (None, None, None) => PathPattern::Any,
        (Some(template), None, None) => PathPattern::Template(template.value.0),
        (None, Some(path), None) => PathPattern::Exact(path.value.0),
        (None, None, Some(path)) => PathPattern::Prefix(path.value.0),
        _ => return None,
    };
    Some(Match {
        hosts: optional(raw.hosts?, List::whole)?.unwrap_or_default(),
        path,
        headers: raw.headers?.0,
    })
}

fn report_several_paths(raw: &raw::Match, report: &mut Report) {
    let mut given: Vec<Span> = [
        place(raw.path.as_ref()),
        place(raw.path_exact.as_ref()),
        place(raw.path_prefix.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    given.sort();
    if let [first, second, ..] = given.as_slice() {
        let problem = Problem::new(*second, "a match has only one path");
        let problem = problem.related(*first, "the first");
        report.add(problem.help("use one of `path`, `path_exact` and `path_prefix`"));
    }
}

fn place<T>(path: Known<&Option<At<T>>>) -> Option<Span> {
    Some(path?.as_ref()?.span)
}

fn http(raw: &raw::Http) -> Option<Http> {
    Some(Http {
        request_timeout: raw.request_timeout?.0.map(|time| time.0),
        max_body: raw.max_body?.0.map(|size| size.0),
    })
}
