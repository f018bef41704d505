//! Shows the series of the endpoints that live.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use super::{Endpoints, Series};
use crate::labels::{Ejection, ProbeResult};
use crate::metrics::family::{self, Family};

pub(super) struct EndpointCollector {
    endpoints: Endpoints,
    sessions: Family,
    pending: Family,
    queued: Family,
    ports_used: Family,
    connect: Family,
    tls_handshakes: Family,
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
            pending: Family::gauge(
                "switchyard_endpoint_pending_handshakes",
                "Handshakes that the endpoint has not answered yet.",
                &labels,
            )?,
            queued: Family::gauge(
                "switchyard_endpoint_queued_handshakes",
                "Handshakes that wait until the endpoint may be asked.",
                &labels,
            )?,
            ports_used: Family::gauge(
                "switchyard_upstream_ports_used_ratio",
                "Share of the ports towards the endpoint, of all source addresses, that are in use.",
                &labels,
            )?,
            connect: Family::histogram(
                "switchyard_endpoint_connect_seconds",
                "Time to open a connection to the endpoint, in seconds.",
                &labels,
            )?,
            tls_handshakes: Family::counter(
                "switchyard_endpoint_tls_handshakes_total",
                "TLS handshakes with the endpoint, those of probes too, by result: ok, or the reason why not.",
                &["cluster", "endpoint", "result", "version", "resumed"],
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

    fn tls_handshakes(&self, series: &Series) -> Vec<Metric> {
        let [cluster, endpoint] = series.labels();
        let handshakes = series.tls_handshakes();
        let metric = |([result, version, resumed], count): (&[&str; 3], &u64)| {
            let metric = family::counter(family::float(*count));
            let labels = [cluster, endpoint, result, version, resumed];
            self.tls_handshakes.labelled(&labels, metric)
        };
        handshakes.iter().map(metric).collect()
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
            self.pending.desc(),
            self.queued.desc(),
            self.ports_used.desc(),
            self.connect.desc(),
            self.tls_handshakes.desc(),
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
        let gauge = |family: &Family, value: &dyn Fn(&Series) -> Option<f64>| {
            let metric = |series: &Arc<Series>| {
                let value = family::gauge(value(series)?);
                Some(family.labelled(&series.labels(), value))
            };
            family.with(living.iter().filter_map(metric).collect())
        };
        let counted = |family: &Family, metrics: &dyn Fn(&Series) -> Vec<Metric>| {
            family.with(living.iter().flat_map(|series| metrics(series)).collect())
        };
        let connect = |series: &Series| {
            let took = series.connect.metric();
            vec![self.connect.labelled(&series.labels(), took)]
        };
        vec![
            gauge(&self.sessions, &|it| {
                Some(family::float(it.sessions.load(Ordering::Relaxed)))
            }),
            gauge(&self.pending, &|it| Some(of_u32(&it.pending))),
            gauge(&self.queued, &|it| Some(of_u32(&it.queued))),
            gauge(&self.ports_used, &Series::ports_used),
            counted(&self.connect, &connect),
            counted(&self.tls_handshakes, &|it| self.tls_handshakes(it)),
            counted(&self.failures, &|it| self.failures(it)),
            gauge(&self.ejected, &|it| Some(it.is_ejected())),
            counted(&self.ejections, &|it| self.ejections(it)),
            gauge(&self.up, &|it| {
                Some(of_bool(!it.is_down.load(Ordering::Relaxed)))
            }),
            gauge(&self.draining, &|it| {
                Some(of_bool(it.is_draining.load(Ordering::Relaxed)))
            }),
            counted(&self.probes, &|it| self.probes(it)),
        ]
    }
}

fn of_u32(count: &AtomicU32) -> f64 {
    f64::from(count.load(Ordering::Relaxed))
}

fn of_bool(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}
