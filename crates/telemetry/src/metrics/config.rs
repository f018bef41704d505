//! How the configuration came to be the one in use.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::registered;
use crate::labels::Reload;

/// The metrics of reading the configuration.
#[derive(Clone)]
pub struct ConfigMetrics {
    reloads: [IntCounter; 2],
    last_succeeded: IntGauge,
    last_at: Gauge,
}

impl ConfigMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let reloads = Opts::new(
            "switchyard_config_reloads_total",
            "Times that the configuration was read again, by what came of it; one that is the same is \
             a success.",
        );
        let reloads = registered(registry, IntCounterVec::new(reloads, &["result"])?)?;
        let last_succeeded = IntGauge::new(
            "switchyard_config_last_reload_success",
            "1 when the configuration that was read last is in use, 0 when it could not be used.",
        )?;
        let last_at = Gauge::new(
            "switchyard_config_last_reload_timestamp_seconds",
            "When a configuration came into use last, in seconds since the epoch; at first when the process began.",
        )?;
        let metrics = Self {
            reloads: Reload::ALL.map(|result| reloads.with_label_values(&[result.as_str()])),
            last_succeeded: registered(registry, last_succeeded)?,
            last_at: registered(registry, last_at)?,
        };
        metrics.in_use();
        Ok(metrics)
    }

    /// Counts a configuration that was read and is in use.
    pub fn succeeded(&self) {
        self.count(Reload::Ok);
        self.in_use();
    }

    /// Counts one that could not be used.
    pub fn failed(&self) {
        self.count(Reload::Failed);
        self.last_succeeded.set(0);
    }

    fn in_use(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.last_at.set(now.unwrap_or_default().as_secs_f64());
        self.last_succeeded.set(1);
    }

    fn count(&self, result: Reload) {
        for (it, counter) in Reload::ALL.into_iter().zip(&self.reloads) {
            if it == result {
                counter.inc();
            }
        }
    }
}
