//! What concerns the process as a whole: its build, its resources, its dropped log lines, its faults.

use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Opts, Registry};

use super::Build;
use super::family::{self, Family};
use crate::Panics;
use crate::log::DroppedLines;

pub(super) fn register(registry: &Registry, build: Build<'_>) -> prometheus::Result<()> {
    let info = IntGauge::with_opts(
        Opts::new(
            "switchyard_build_info",
            "What this process was built from; always 1.",
        )
        .const_label("version", build.version)
        .const_label("revision", build.revision)
        .const_label("rustc", build.rustc),
    )?;
    info.set(1);
    registry.register(Box::new(info))?;
    registry.register(Box::new(ProcessCollector::for_self()))
}

pub(super) fn register_dropped_lines(
    registry: &Registry,
    lines: DroppedLines,
) -> prometheus::Result<()> {
    let family = Family::counter(
        "switchyard_log_lines_dropped_total",
        "Log lines that standard output did not take, because its reader was too slow or gone.",
        &[],
    )?;
    let count = move || lines.count();
    registry.register(Box::new(Counted { family, count }))
}

pub(super) fn register_panics(registry: &Registry, panics: Panics) -> prometheus::Result<()> {
    let family = Family::counter(
        "switchyard_panics_total",
        "Faults of the gateway's own; each cost what was being done at the time, such as one session.",
        &[],
    )?;
    let count = move || panics.count();
    registry.register(Box::new(Counted { family, count }))
}

/// What is counted elsewhere.
struct Counted<C> {
    family: Family,
    count: C,
}

impl<C: Fn() -> u64 + Send + Sync> Collector for Counted<C> {
    fn desc(&self) -> Vec<&Desc> {
        vec![self.family.desc()]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        vec![
            self.family
                .with(vec![family::counter(family::float((self.count)()))]),
        ]
    }
}
