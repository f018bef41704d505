//! The opening and the end of sessions, published for whoever wants to know.
//!
//! Nothing waits for this: what does not fit in the queue, or comes while the bus is gone, is dropped and counted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arcstr::ArcStr;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use switchyard_bus::{Bus, Subject};
use switchyard_relay::SessionInfo;
use switchyard_telemetry::BusMetrics;
use tokio::sync::mpsc;

use crate::name::{ReplicaId, SessionName};

/// Events that wait to be published.
const QUEUE: usize = 4096;

/// Events that are being published at once, begun in order.
const AT_ONCE: usize = 64;

/// See the module.
pub struct Events {
    replica: ReplicaId,
    queue: mpsc::Sender<Bytes>,
    metrics: BusMetrics,
}

/// How a session ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The code of the Close that the client got or sent, if there was one.
    pub code: Option<u16>,
    /// Why, as in the access log.
    pub reason: &'a str,
    /// Who began it, as in the access log.
    pub initiator: &'a str,
    /// How long it was open.
    pub lasted: Duration,
}

#[derive(Serialize)]
struct Event<'a, More> {
    #[serde(rename = "event")]
    kind: &'a str,
    session: String,
    replica: String,
    route: &'a str,
    client: String,
    #[serde(flatten)]
    more: More,
    at: u64,
}

#[derive(Serialize)]
struct Opening<'a> {
    channels: Vec<&'a str>,
}

#[derive(Serialize)]
struct Closing<'a> {
    code: Option<u16>,
    reason: &'a str,
    initiator: &'a str,
    duration_ms: u64,
}

/// Events of a replica, and the queue that is to be [published](publish).
pub(crate) fn events(replica: ReplicaId, metrics: BusMetrics) -> (Events, mpsc::Receiver<Bytes>) {
    let (queue, queued) = mpsc::channel(QUEUE);
    let events = Events {
        replica,
        queue,
        metrics,
    };
    (events, queued)
}

/// Publishes what is queued, as long as there may be more.
pub(crate) async fn publish(mut queued: mpsc::Receiver<Bytes>, bus: Bus, metrics: BusMetrics) {
    let all = stream::poll_fn(|context| queued.poll_recv(context));
    let mut published = all
        .map(|event| bus.publish(&Subject::Events, event))
        .buffered(AT_ONCE);
    while let Some(published) = published.next().await {
        if published.is_err() {
            metrics.event_dropped();
        }
    }
}

impl Events {
    /// A session has opened.
    pub fn opened(&self, info: &SessionInfo, channels: &[ArcStr]) {
        let channels = channels.iter().map(|name| &**name).collect();
        self.post("opened", info, Opening { channels });
    }

    /// A session is over.
    pub fn closed(&self, info: &SessionInfo, ended: Ended<'_>) {
        let closing = Closing {
            code: ended.code,
            reason: ended.reason,
            initiator: ended.initiator,
            duration_ms: millis(ended.lasted),
        };
        self.post("closed", info, closing);
    }

    fn post(&self, kind: &str, info: &SessionInfo, more: impl Serialize) {
        let name = SessionName {
            replica: self.replica,
            id: info.id,
        };
        let event = Event {
            kind,
            session: name.to_string(),
            replica: self.replica.to_string(),
            route: &info.route,
            client: info.client.to_string(),
            more,
            at: millis(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default(),
            ),
        };
        // Nothing in it can fail: text and numbers, into memory.
        let event = serde_json::to_vec(&event).unwrap_or_default();
        if self.queue.try_send(event.into()).is_err() {
            self.metrics.event_dropped();
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use switchyard_telemetry::labels::BusKind;

    use super::*;
    use crate::testing;

    fn world() -> (Events, mpsc::Receiver<Bytes>, switchyard_telemetry::Metrics) {
        let (metrics, _) = testing::metrics();
        let bus = metrics.bus(BusKind::Memory).expect("the first of them");
        let (events, queued) = events(ReplicaId::of(7), bus);
        (events, queued, metrics)
    }

    fn next(queued: &mut mpsc::Receiver<Bytes>) -> Value {
        let event = queued.try_recv().expect("an event");
        let mut event: Value = serde_json::from_slice(&event).expect("JSON");
        let at = event.as_object_mut().and_then(|event| event.remove("at"));
        assert!(
            at.and_then(|at| at.as_u64())
                .is_some_and(|at| at > 1_700_000_000_000)
        );
        event
    }

    #[test]
    fn a_session_opens_and_ends() {
        let (events, mut queued, _) = world();
        let info = SessionInfo {
            id: switchyard_relay::SessionId::of(17),
            ..testing::info()
        };
        events.opened(&info, &["room:42".into()]);
        let opened = json!({
            "event": "opened", "session": "000000000007-17", "replica": "000000000007", "route": "chat",
            "client": "127.0.0.1", "channels": ["room:42"],
        });
        assert_eq!(next(&mut queued), opened);
        let ended = Ended {
            code: Some(1001),
            reason: "close_frame",
            initiator: "client",
            lasted: Duration::from_millis(1500),
        };
        events.closed(&info, ended);
        let closed = json!({
            "event": "closed", "session": "000000000007-17", "replica": "000000000007", "route": "chat",
            "client": "127.0.0.1", "code": 1001, "reason": "close_frame", "initiator": "client", "duration_ms": 1500,
        });
        assert_eq!(next(&mut queued), closed);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let (events, _queued, metrics) = world();
        for _ in 0..QUEUE + 3 {
            events.opened(&testing::info(), &[]);
        }
        let text = metrics.render().expect("renders");
        let sample = "switchyard_bus_events_dropped_total{bus=\"memory\"} 3";
        assert!(text.lines().any(|line| line == sample), "{text}");
    }
}
