//! Channels of a route: captures that its path has, and each of them once.

use std::collections::HashMap;

use super::affinity::report_missing_capture;
use crate::decode::{At, Known, List};
use crate::lower::repeated;
use crate::model::{ChannelPart, ChannelSource, ChannelTemplate};
use crate::report::{Problem, Report};
use crate::scalar::{Channel, Template};

/// Checks the channels against the route's path and one another.
pub(super) fn lower(
    list: List<At<Channel>, 0>,
    template: Known<&Option<At<Template>>>,
    report: &mut Report,
) -> Option<Vec<ChannelTemplate>> {
    let mut seen = HashMap::new();
    for At { value, span, .. } in &list.items {
        for capture in value.0.0.iter().filter_map(captured) {
            if let Some(template) = template {
                report_missing_capture(capture, *span, template.as_ref(), report);
            }
        }
        if let Some(first) = repeated(&mut seen, &value.0, *span) {
            let problem = Problem::new(*span, "this channel is repeated");
            report.add(problem.related(first, "first here"));
        }
    }
    let channels = list.whole()?;
    Some(channels.into_iter().map(|it| it.value.0).collect())
}

fn captured(part: &ChannelPart) -> Option<&str> {
    match part {
        ChannelPart::Value(ChannelSource::Path(name)) => Some(name),
        ChannelPart::Value(_) | ChannelPart::Literal(_) => None,
    }
}
