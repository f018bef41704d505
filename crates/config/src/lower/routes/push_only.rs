//! A route without a cluster has channels instead, and nothing that only endpoints need.

use crate::decode::At;
use crate::node::Given;
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::Switch;
use crate::source::Span;

/// Reports what is missing in a `push_only` route, and what makes no sense there.
pub(super) fn report(raw: &raw::Route, report: &mut Report) {
    let Some(At {
        value: Switch::On,
        span,
        ..
    }) = raw.push_only
    else {
        return;
    };
    if let Some(channels) = &raw.channels
        && channels.value.complete
        && channels.value.items.is_empty()
    {
        let problem = Problem::new(span, "a `push_only` route needs `channels`");
        report.add(problem.help("say which, such as `channels: [news]`"));
    }
    for (key, place) in strangers(raw) {
        let message = format!("a `push_only` route has no `{key}`");
        let problem = Problem::new(place, message).related(span, "it leads to no cluster");
        report.add(problem.help("leave out either of the two"));
    }
}

/// Keys of what there is not.
fn strangers(raw: &raw::Route) -> impl Iterator<Item = (&'static str, Span)> {
    let cluster = raw.cluster.iter().flatten().map(|it| ("cluster", it.span));
    let split = raw.split.iter().flatten().map(|it| ("split", it.span));
    let affinity = raw.affinity.iter().flat_map(|list| &list.items).take(1);
    let affinity = affinity.map(|it| ("affinity", it.span));
    let http = raw.http.iter().filter(|it| it.given == Given::File);
    let http = http.map(|it| ("http", it.span));
    cluster.chain(split).chain(affinity).chain(http)
}
