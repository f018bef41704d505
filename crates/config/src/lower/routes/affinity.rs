//! Affinity of a route: captures that its path has, sources that can be reached.

use crate::decode::{At, Known};
use crate::model::{AffinitySource, ClientAddress, IssuedCookie, SameSite, Segment};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{Switch, Template};
use crate::source::Span;
use crate::suggest;

/// Checks the sources against the route's template and one another.
pub(super) fn lower(
    sources: Vec<At<raw::AffinitySource>>,
    template: Known<&Option<At<Template>>>,
    report: &mut Report,
) -> Option<Vec<AffinitySource>> {
    let mut lowered = Vec::new();
    for At { value, span, .. } in sources {
        let source = source(value, template, report);
        report_unreachable(source.as_ref(), span, &lowered, report);
        lowered.push((source, span));
    }
    lowered.into_iter().map(|(source, _)| source).collect()
}

fn source(
    raw: raw::AffinitySource,
    template: Known<&Option<At<Template>>>,
    report: &mut Report,
) -> Option<AffinitySource> {
    Some(match raw {
        raw::AffinitySource::Path(capture) => {
            if let Some(template) = template {
                let (name, span) = (&capture.value.0, capture.span);
                report_missing_capture(name, span, template.as_ref(), report);
            }
            AffinitySource::Path(capture.value.0)
        }
        raw::AffinitySource::Cookie(name) => AffinitySource::Cookie(name.0),
        raw::AffinitySource::IssuedCookie(raw) => {
            AffinitySource::IssuedCookie(issued_cookie(raw, report)?)
        }
        raw::AffinitySource::Header(name) => AffinitySource::Header(name.0),
        raw::AffinitySource::Query(name) => AffinitySource::Query(name.0),
        raw::AffinitySource::ClientAddress(raw) => {
            AffinitySource::ClientAddress(client_address(&raw)?)
        }
    })
}

/// Reports a capture that the route's path does not have; `span` is where it is asked for.
pub(super) fn report_missing_capture(
    name: &str,
    span: Span,
    template: Option<&At<Template>>,
    report: &mut Report,
) {
    let Some(template) = template else {
        let message = format!("there is no `path` to capture `{name}` from");
        let help = format!("give the match a `path` with `{{{name}}}` in it");
        return report.add(Problem::new(span, message).help(help));
    };
    let captures: Vec<&str> = template.value.0.iter().filter_map(captured).collect();
    if captures.contains(&name) {
        return;
    }
    let help = match suggest::nearest(name, &captures) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("name one of its segments `{{{name}}}`"),
    };
    let problem = Problem::new(span, format!("the path has no capture `{name}`"));
    report.add(problem.related(template.span, "this path").help(help));
}

fn captured(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Capture(name) => Some(name),
        Segment::Literal(_) => None,
    }
}

fn issued_cookie(raw: raw::IssuedCookie, report: &mut Report) -> Option<IssuedCookie> {
    if let Some(age) = &raw.max_age
        && age.value.0.is_some_and(|time| time.0.subsec_millis() > 0)
    {
        let problem = Problem::new(age.span, "the age of a cookie is in whole seconds");
        report.add(problem);
    }
    if let (Some(secure), Some(same_site)) = (&raw.secure, &raw.same_site)
        && (secure.value, same_site.value) == (Switch::Off, SameSite::None)
    {
        let problem = Problem::new(same_site.span, "browsers refuse `same_site: none` here")
            .related(secure.span, "they want `secure: on` with it");
        report.add(problem);
    }
    Some(IssuedCookie {
        name: raw.name?.0,
        max_age: raw.max_age?.value.0.map(|time| time.0),
        secure: raw.secure?.value == Switch::On,
        same_site: raw.same_site?.value,
    })
}

fn client_address(raw: &raw::ClientAddress) -> Option<ClientAddress> {
    let bits = |bits: u32| u8::try_from(bits).unwrap_or(u8::MAX);
    Some(ClientAddress {
        ipv6_prefix: bits(raw.ipv6_prefix?.0),
        ipv4_prefix: bits(raw.ipv4_prefix?.0),
    })
}

/// What comes after a source that is always there, or for the second time, decides nothing.
fn report_unreachable(
    source: Known<&AffinitySource>,
    span: Span,
    before: &[(Known<AffinitySource>, Span)],
    report: &mut Report,
) {
    let same = |it: &AffinitySource| source == Some(it);
    let hides = |it: &AffinitySource| same(it) || matches!(it, AffinitySource::ClientAddress(_));
    let mut before = before
        .iter()
        .filter_map(|(it, at)| Some((it.as_ref()?, at)));
    if let Some((first, at)) = before.find(|(it, _)| hides(it)) {
        let label = if same(first) {
            "the same"
        } else {
            "always there, so it decides"
        };
        let problem = Problem::new(span, "this source never decides").related(*at, label);
        report.add(problem.help("remove it, or move it up"));
    }
}
