//! Routes: clusters that exist, captures that the path has, policy.

mod affinity;

use std::collections::HashMap;
use std::num::NonZeroU32;

use super::{Names, reach, repeated, whole};
use crate::decode::{At, List, Section};
use crate::model::{Http, Match, PathPattern, Route, Split, WebSocket};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{self, Name};
use crate::source::Span;

/// Checks the routes; `clusters` are the names they may refer to.
pub(super) fn lower(
    list: List<raw::Route, 1>,
    clusters: Option<&Names>,
    report: &mut Report,
) -> Vec<Route> {
    let mut names = Names::new("route", list.complete);
    let mut routes = Vec::new();
    for raw in list.items {
        names.define(&raw.name, report);
        let span = raw.name.span;
        routes.extend(route(raw, clusters, report).map(|route| (route, span)));
    }
    reach::report_unreachable(&routes, report);
    routes.into_iter().map(|(route, _)| route).collect()
}

fn route(raw: raw::Route, clusters: Option<&Names>, report: &mut Report) -> Option<Route> {
    let matches = raw.matches.0.and_then(|raw| matches(raw, report));
    let target = Target {
        route: &raw.name,
        cluster: raw.cluster,
        split: raw.split,
    };
    let split = split(target, clusters, report);
    let affinity = whole(raw.affinity).map(|sources| match &matches {
        Some((_, template)) => affinity::lower(sources, template.as_ref(), report),
        None => Vec::new(),
    });
    let (matches, _) = matches?;
    Some(Route {
        name: raw.name.value.0,
        matches,
        split: split?,
        affinity: affinity?,
        websocket: websocket(raw.websocket.0?),
        http: http(&raw.http.0?),
    })
}

/// A path template and where it stands.
type Template = At<scalar::Template>;

fn matches(raw: raw::Match, report: &mut Report) -> Option<(Match, Option<Template>)> {
    let mut given: Vec<Span> = [
        raw.path.as_ref().map(|path| path.span),
        raw.path_exact.as_ref().map(|path| path.span),
        raw.path_prefix.as_ref().map(|path| path.span),
    ]
    .into_iter()
    .flatten()
    .collect();
    given.sort();
    if let [first, second, ..] = given.as_slice() {
        let problem =
            Problem::new(*second, "a match has only one path").related(*first, "the first");
        report.add(problem.help("use one of `path`, `path_exact` and `path_prefix`"));
        return None;
    }
    let path = match (&raw.path, raw.path_exact, raw.path_prefix) {
        (Some(template), ..) => PathPattern::Template(template.value.0.clone()),
        (_, Some(path), _) => PathPattern::Exact(path.value.0),
        (.., Some(path)) => PathPattern::Prefix(path.value.0),
        (None, None, None) => PathPattern::Any,
    };
    let hosts = raw.hosts.map_or_else(Vec::new, |list| list.items);
    Some((
        Match {
            hosts,
            path,
            headers: raw.headers.0,
        },
        raw.path,
    ))
}

/// Where a route leads, before the clusters are known to exist.
struct Target<'a> {
    route: &'a At<Name>,
    cluster: Option<At<Name>>,
    split: Option<Section<List<raw::Split, 1>>>,
}

impl Target<'_> {
    /// The one cluster is a split of one.
    fn shares(self, report: &mut Report) -> Option<Vec<(At<Name>, NonZeroU32)>> {
        match (self.cluster, self.split) {
            (Some(cluster), None) => Some(vec![(cluster, NonZeroU32::MIN)]),
            (None, Some(split)) => {
                let shares = whole(split)?.into_iter();
                Some(
                    shares
                        .map(|it| (it.cluster, it.weight.at_least_one()))
                        .collect(),
                )
            }
            (Some(cluster), Some(_)) => {
                let message = "a route has a `cluster` or a `split`, not both";
                report.add(Problem::new(cluster.span, message).help("move it into the `split`"));
                None
            }
            (None, None) => {
                let message = format!("the route `{}` leads nowhere", self.route.value.0);
                let help = "add `cluster: NAME` to it, or a `split`";
                report.add(Problem::new(self.route.span, message).help(help));
                None
            }
        }
    }
}

fn split(target: Target<'_>, clusters: Option<&Names>, report: &mut Report) -> Option<Vec<Split>> {
    let shares = target.shares(report)?;
    let mut seen = HashMap::new();
    for (cluster, _) in &shares {
        if let Some(clusters) = clusters {
            clusters.refer(cluster, report);
        }
        if let Some(first) = repeated(&mut seen, &cluster.value.0, cluster.span) {
            let message = format!("the cluster `{}` is repeated", cluster.value.0);
            let problem = Problem::new(cluster.span, message).related(first, "first here");
            report.add(problem.help("give it a larger `weight` instead"));
        }
    }
    let share = |(cluster, weight): (At<Name>, _)| Split {
        cluster: cluster.value.0,
        weight,
    };
    Some(shares.into_iter().map(share).collect())
}

fn websocket(raw: raw::WebSocket) -> WebSocket {
    WebSocket {
        allowed_origins: raw.allowed_origins.map(|list| texts(list.items, |it| it.0)),
        subprotocols: raw.subprotocols.map(|list| texts(list.items, |it| it.0)),
        max_message: raw.max_message.0.map(|size| size.0),
        max_frame: raw.max_frame.0.map(|size| size.0),
        idle_timeout: raw.idle_timeout.0.map(|time| time.0),
        close_timeout: raw.close_timeout.0,
        buffer_limit: usize::try_from(raw.buffer_limit.0).unwrap_or(usize::MAX),
    }
}

fn texts<T>(items: Vec<T>, text: impl Fn(T) -> String) -> Vec<String> {
    items.into_iter().map(text).collect()
}

fn http(raw: &raw::Http) -> Http {
    Http {
        request_timeout: raw.request_timeout.0.map(|time| time.0),
        max_body: raw.max_body.0.map(|size| size.0),
    }
}
