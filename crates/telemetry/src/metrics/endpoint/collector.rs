//! Shows the series of the endpoints that live.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use super::{Endpoints, Series};
use crate::labels::{Ejection, ProbeResult};
use crate::metrics::family::{self, Family};

pub(super) struct EndpointCollector {
    endpoints: Endpoints,
    sessions: Family,
    connect: Family,
    failures: Family,
    ejected: Family,
    ejections: Family,
    up: Family,
    draining: Family,
    probes: Family,
}

impl EndpointCollector {
    pub(super) fn new(endpoints: Endpoints) -> prometheus::Result<Self> {
        let labels = ["cluster", "endpoint"];
        Ok(Self {
            endpoints,
            sessions: Family::gauge(
                "switchyard_endpoint_sessions",
                "Sessions that are open on the endpoint now.",
                &labels,
            )?,
            connect: Family::histogram(
                "switchyard_endpoint_connect_seconds",
                "Time to open a connection to the endpoint, in seconds.",
                &labels,
            )?,
            failures: Family::counter(
                "switchyard_endpoint_failures_total",
                "Failures to connect to the endpoint or to complete an exchange, by reason.",
                &["cluster", "endpoint", "reason"],
            )?,
            ejected: Family::gauge(
                "switchyard_endpoint_ejected",
                "1 while the endpoint gets no new sessions for what it did, 0 otherwise.",
                &labels,
            )?,
            ejections: Family::counter(
                "switchyard_endpoint_ejections_total",
                "Times that the endpoint was ejected, by what it did.",
                &["cluster", "endpoint", "reason"],
            )?,
            up: Family::gauge(
                "switchyard_endpoint_up",
                "0 while probes say that the endpoint does not work, 1 otherwise.",
                &labels,
            )?,
            draining: Family::gauge(
                "switchyard_endpoint_draining",
                "1 while the endpoint gets no new sessions because it leaves or is drained, 0 otherwise.",
                &labels,
            )?,
            probes: Family::counter(
                "switchyard_endpoint_probes_total",
                "Probes of the endpoint, by what came of them.",
                &["cluster", "endpoint", "result"],
            )?,
        })
    }

    fn probes(&self, series: &Series) -> Vec<Metric> {
        let [cluster, endpoint] = series.labels();
        let metric = |(result, count): (&ProbeResult, &u64)| {
            let metric = family::counter(family::float(*count));
            self.probes
                .labelled(&[cluster, endpoint, result.as_str()], metric)
        };
        series.probes().iter().map(metric).collect()
    }

    fn ejections(&self, series: &Series) -> Vec<Metric> {
        let [cluster, endpoint] = series.labels();
        let metric = |(reason, count): (&Ejection, &u64)| {
            let metric = family::counter(family::float(*count));
            self.ejections
                .labelled(&[cluster, endpoint, reason.as_str()], metric)
        };
        series.ejections().counts.iter().map(metric).collect()
    }

    fn failures(&self, series: &Series) -> Vec<Metric> {
        let [cluster, endpoint] = series.labels();
        let failures = series.failures();
        let metric = |(reason, count): (&&str, &u64)| {
            let metric = family::counter(family::float(*count));
            self.failures.labelled(&[cluster, endpoint, reason], metric)
        };
        failures.iter().map(metric).collect()
    }
}

impl Collector for EndpointCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![
            self.sessions.desc(),
            self.connect.desc(),
            self.failures.desc(),
            self.ejected.desc(),
            self.ejections.desc(),
            self.up.desc(),
            self.draining.desc(),
            self.probes.desc(),
        ]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let living = self.endpoints.living();
        let sessions = |series: &Arc<Series>| {
            let open = family::float(series.sessions.load(Ordering::Relaxed));
            self.sessions
                .labelled(&series.labels(), family::gauge(open))
        };
        let up = |series: &Arc<Series>| {
            let is_up = !series.is_down.load(Ordering::Relaxed);
            let is_up = family::gauge(f64::from(u8::from(is_up)));
            self.up.labelled(&series.labels(), is_up)
        };
        let draining = |series: &Arc<Series>| {
            let is_draining = series.is_draining.load(Ordering::Relaxed);
            let is_draining = family::gauge(f64::from(u8::from(is_draining)));
            self.draining.labelled(&series.labels(), is_draining)
        };
        let ejected = |series: &Arc<Series>| {
            self.ejected
                .labelled(&series.labels(), family::gauge(series.is_ejected()))
        };
        let connect = |series: &Arc<Series>| {
            self.connect
                .labelled(&series.labels(), series.connect.metric())
        };
        vec![
            self.sessions.with(living.iter().map(sessions).collect()),
            self.connect.with(living.iter().map(connect).collect()),
            self.failures.with(
                living
                    .iter()
                    .flat_map(|series| self.failures(series))
                    .collect(),
            ),
            self.ejected.with(living.iter().map(ejected).collect()),
            self.ejections.with(
                living
                    .iter()
                    .flat_map(|series| self.ejections(series))
                    .collect(),
            ),
            self.up.with(living.iter().map(up).collect()),
            self.draining.with(living.iter().map(draining).collect()),
            self.probes.with(
                living
                    .iter()
                    .flat_map(|series| self.probes(series))
                    .collect(),
            ),
        ]
    }
}
