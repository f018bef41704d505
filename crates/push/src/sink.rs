//! Where what comes from the bus goes to, and what the bus is asked for in return.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arcstr::ArcStr;
use bytes::Bytes;
use switchyard_bus::{Bus, MessageId, Sink, Status, Subject};
use switchyard_relay::Message;
use switchyard_telemetry::labels::NotDelivered;
use switchyard_telemetry::{BusMetrics, PushMetrics};
use tokio::sync::watch;

use crate::exchange::Exchange;
use crate::gate::Late;
use crate::history::{Chronicles, kept};
use crate::hub::Interest;
use crate::intake::Intake;
use crate::local::Local;

/// See the module.
pub(crate) struct Receiver {
    pub(crate) local: Arc<Local>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) chronicles: Arc<Chronicles>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) metrics: PushMetrics,
    pub(crate) outage: Arc<Outage>,
}

/// What channels the bus is asked for, once it is there. Nobody subscribes before that.
pub(crate) struct Link {
    bus: OnceLock<Bus>,
    chronicles: Arc<Chronicles>,
}

/// Since when the bus is gone.
pub(crate) struct Outage {
    since: Mutex<Option<Instant>>,
    metrics: BusMetrics,
}

impl Sink for Receiver {
    fn receive(&self, subject: Subject, payload: Bytes, id: Option<MessageId>) {
        match subject {
            Subject::Channel(channel) => self.message(&channel, &payload, id),
            Subject::Replicas | Subject::Replica(_) => {
                if !self.exchange.receive(payload) {
                    self.metrics.dropped(NotDelivered::Overrun, 1);
                }
            }
            Subject::Events => {}
        }
    }

    fn resumed(&self) {
        self.outage.ended();
        self.exchange.resumed();
        self.local.catch_up();
    }

    fn overrun(&self, messages: u64) {
        self.metrics.dropped(NotDelivered::Overrun, messages);
        self.outage.interrupted();
        self.local.catch_up();
    }
}

impl Receiver {
    fn message(&self, channel: &ArcStr, payload: &Bytes, id: Option<MessageId>) {
        let (hub, came) = (&self.local.hub, switchyard_relay::now());
        let settings = hub.settings();
        let taken = self.intake.take(channel, (payload, id), &settings, came);
        let Some(taken) = taken else {
            return;
        };
        let Some(id) = taken.seq else {
            return hub.deliver(channel, &Arc::new(taken.message(came)), taken.exclude);
        };
        let text = kept(channel, id, &taken.payload, taken.is_binary);
        let late = Late {
            id,
            message: Arc::new(Message::text(&text, came)),
            exclude: taken.exclude,
        };
        self.chronicles.receive(hub, channel, &late);
    }
}

impl Link {
    pub(crate) fn new(chronicles: Arc<Chronicles>) -> Self {
        Self {
            bus: OnceLock::new(),
            chronicles,
        }
    }

    pub(crate) fn connect(&self, bus: Bus) {
        self.bus.set(bus).ok();
    }
}

impl Interest for Link {
    fn follow(&self, channel: &ArcStr) {
        if let Some(bus) = self.bus.get() {
            bus.follow(channel);
        }
    }

    fn unfollow(&self, channel: &str) {
        if let Some(bus) = self.bus.get() {
            bus.unfollow(channel);
        }
        self.chronicles.forget(channel);
    }
}

impl Outage {
    pub(crate) fn new(metrics: BusMetrics) -> Self {
        Self {
            since: Mutex::default(),
            metrics,
        }
    }

    /// Shows whether the bus is there, as long as it is.
    pub(crate) async fn show(self: Arc<Self>, mut status: watch::Receiver<Status>) {
        loop {
            let now = *status.borrow_and_update();
            self.metrics.connected(now == Status::Connected);
            if let Status::Gone(since) = now {
                *self.since() = Some(since);
            }
            if status.changed().await.is_err() {
                return;
            }
        }
    }

    /// Messages may have been missed until now.
    fn ended(&self) {
        let lasted = self.since().take().map(|since| since.elapsed());
        self.metrics.gap(lasted.unwrap_or_default());
    }

    /// Messages were missed, and the bus was there.
    fn interrupted(&self) {
        self.metrics.gap(Duration::ZERO);
    }

    fn since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use switchyard_telemetry::labels::BusKind;

    use super::*;
    use crate::testing;

    #[test]
    fn an_interruption_is_a_gap_without_length() {
        let (metrics, _) = testing::metrics();
        let bus = metrics.bus(BusKind::Memory).expect("the first of them");
        let outage = Outage::new(bus);
        let long_ago = Instant::now().checked_sub(Duration::from_mins(10));
        *outage.since() = long_ago;
        outage.interrupted();
        let seconds = || {
            let text = metrics.render().expect("renders");
            let name = "switchyard_bus_gap_seconds_total{bus=\"memory\"} ";
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found
                .expect("it is there")
                .parse::<f64>()
                .expect("a number")
        };
        assert!(seconds() < 1.0);
        outage.ended();
        assert!(seconds() >= 600.0);
        assert_eq!(testing::sample(&metrics, "switchyard_bus_gaps_total"), 2);
    }
}
