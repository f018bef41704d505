//! One metric family of a collector of our own: its name, help and labels in one place.
//!
//! For series that come and go or that are summed at scrape time. Fixed series use the
//! `prometheus` crate's own vectors.

use std::collections::HashMap;

use prometheus::core::Desc;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

/// A family and the names of its labels.
pub(crate) struct Family {
    desc: Desc,
    kind: MetricType,
}

impl Family {
    pub(crate) fn counter(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(MetricType::COUNTER, name, help, labels)
    }

    pub(crate) fn gauge(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(MetricType::GAUGE, name, help, labels)
    }

    pub(crate) fn histogram(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(MetricType::HISTOGRAM, name, help, labels)
    }

    fn new(kind: MetricType, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        let labels = labels.iter().map(ToString::to_string).collect();
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?;
        Ok(Self { desc, kind })
    }

    pub(crate) fn desc(&self) -> &Desc {
        &self.desc
    }

    /// The family with these series.
    pub(crate) fn with(&self, series: Vec<Metric>) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(series);
        family
    }

    /// Labels `metric` with `values`, in the order in which the family names its labels.
    pub(crate) fn labelled(&self, values: &[&str], mut metric: Metric) -> Metric {
        let pairs = self.desc.variable_labels.iter().zip(values);
        metric.set_label(pairs.map(|(name, value)| label(name, value)).collect());
        metric
    }
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

pub(crate) fn counter(value: f64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value);
    let mut metric = Metric::default();
    metric.set_counter(counter);
    metric
}

pub(crate) fn gauge(value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    Metric::from_gauge(gauge)
}

/// A histogram from its upper bounds and the count of each bucket alone; the last count, which has
/// no bound, is that of everything above.
pub(crate) fn histogram(bounds: &[f64], counts: &[u64], sum: f64) -> Metric {
    let mut total = 0;
    let mut buckets = Vec::with_capacity(bounds.len());
    for (bound, count) in bounds.iter().zip(counts) {
        total += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(total);
        buckets.push(bucket);
    }
    let mut histogram = Histogram::default();
    histogram.set_sample_count(counts.iter().sum());
    histogram.set_sample_sum(sum);
    histogram.set_bucket(buckets);
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    metric
}

/// A count as Prometheus carries it.
#[allow(
    clippy::cast_precision_loss,
    reason = "samples are floats: exact up to 2^53"
)]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
