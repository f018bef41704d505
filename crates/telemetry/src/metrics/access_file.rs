//! What becomes of the file of the access log.

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::family::{self, Family, float};
use crate::log::AccessFileCounts;

pub(super) fn register(registry: &Registry, counts: AccessFileCounts) -> prometheus::Result<()> {
    let dropped = Family::counter(
        "switchyard_access_log_lines_dropped_total",
        "Lines that the file of the access log did not take: there was no room, or writing failed.",
        &["reason"],
    )?;
    let reopens = Family::counter(
        "switchyard_access_log_reopens_total",
        "How often the file of the access log was to be opened anew.",
        &["result"],
    )?;
    registry.register(Box::new(AccessFileCollector {
        dropped,
        reopens,
        counts,
    }))
}

struct AccessFileCollector {
    dropped: Family,
    reopens: Family,
    counts: AccessFileCounts,
}

impl Collector for AccessFileCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![self.dropped.desc(), self.reopens.desc()]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = &self.counts;
        let dropped = [
            ("slow", counts.dropped.slow()),
            ("failed", counts.dropped.failed()),
        ];
        let reopens = [("ok", counts.reopened()), ("failed", counts.not_reopened())];
        vec![
            series(&self.dropped, &dropped),
            series(&self.reopens, &reopens),
        ]
    }
}

fn series(family: &Family, counts: &[(&str, u64)]) -> MetricFamily {
    let metric =
        |(label, count): &(&str, u64)| family.labelled(&[label], family::counter(float(*count)));
    family.with(counts.iter().map(metric).collect())
}
