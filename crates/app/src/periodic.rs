//! Records of sessions that stay open: one each time that `log.access.every` has gone by for a session.
//!
//! One task looks through the lists of all workers and asks whom it concerns; each session writes its
//! record itself. A session has no timer for this.

use std::sync::Arc;
use std::time::Duration;

use switchyard_proto::session::Traffic;
use switchyard_relay::{Figures, Registry, Report, SessionInfo, ask_each, now};
use switchyard_telemetry::access;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How much later than its time a record may be, as a part of the interval.
const LATE: u32 = 20;

/// No record is later than this.
const LATEST: Duration = Duration::from_secs(10);

/// Has sessions recorded, as often as `every` says now. Ends when nobody can say so any more.
pub(crate) async fn record(
    registries: Vec<Registry>,
    mut every: watch::Receiver<Option<Duration>>,
) {
    let report: Report = Arc::new(emit);
    loop {
        let wanted = *every.borrow_and_update();
        let changed = match wanted {
            None => every.changed().await,
            Some(wanted) => tokio::select! {
                () = look(&registries, wanted, &report) => return,
                changed = every.changed() => changed,
            },
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Never ends.
async fn look(registries: &[Registry], every: Duration, report: &Report) {
    let mut turns = interval((every / LATE).min(LATEST));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since = now();
    loop {
        turns.tick().await;
        let until = now();
        ask_each(registries, every, since, until, report).await;
        since = until;
    }
}

fn emit(session: &SessionInfo, figures: &Figures) {
    access::Ongoing {
        session: &session.id,
        request_id: &session.request_id,
        route: &session.route,
        cluster: &session.cluster,
        endpoint: &session.endpoint,
        client: session.client,
        duration: figures.duration,
        idle: figures.idle,
        from_downstream: traffic(figures.from_downstream),
        from_upstream: traffic(figures.from_upstream),
        ping_rtt_downstream: figures.ping_rtt_downstream,
        ping_rtt_upstream: figures.ping_rtt_upstream,
    }
    .emit();
}

fn traffic(traffic: Traffic) -> access::Traffic {
    access::Traffic {
        bytes: traffic.bytes,
        messages: traffic.messages,
        largest_message: traffic.largest_message,
    }
}
