//! One drain by order, as one written course: still serving -> new handshakes turned away -> paced Close ->
//! deadline -> cut. It stays in force until it is taken back.

use std::sync::OnceLock;
use std::time::Duration;

use switchyard_admin::{DrainRefused, DrainStatus, DrainWish};
use switchyard_drain::{Place, Scope};
use switchyard_edge::Drained;
use switchyard_proto::session::Cause;
use switchyard_relay::{Asking, DrainPlan, SessionInfo};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Drains, Means};

/// One drain by order.
pub(super) struct Order {
    pub(super) scope: Scope,
    plan: DrainPlan,
    ready_delay: Duration,
    deadline: Duration,
    begun: Instant,
    /// When new handshakes began to be turned away.
    closed: OnceLock<Instant>,
    asking: OnceLock<Asking>,
    cancelled: Notify,
}

impl Order {
    /// # Errors
    /// It would be over before all were asked.
    pub(super) fn new(
        scope: Scope,
        wish: &DrainWish,
        plan: &DrainPlan,
        means: &Means,
    ) -> Result<Self, DrainRefused> {
        let settings = means.live.settings();
        let drain = &settings.config.drain;
        let over = wish.over.unwrap_or(plan.over);
        let deadline = wish.deadline.unwrap_or(drain.deadline);
        if over > deadline {
            return Err(DrainRefused::TooSlow { over, deadline });
        }
        let close = wish.close.on(&plan.close);
        Ok(Self {
            scope,
            plan: DrainPlan {
                over,
                close,
                ..plan.clone()
            },
            ready_delay: drain.ready_delay,
            deadline,
            begun: Instant::now(),
            closed: OnceLock::new(),
            asking: OnceLock::new(),
            cancelled: Notify::new(),
        })
    }

    /// Goes through it, unless it is taken back.
    pub(super) async fn carry_out(&self, drains: &Drains) {
        tokio::select! {
            biased;
            () = self.cancelled.notified() => {}
            () = self.drain(drains) => {
                drains.show();
                tracing::info!(scope = %self.scope, "drained");
            }
        }
    }

    async fn drain(&self, drains: &Drains) {
        sleep(self.ready_delay).await;
        let deadline = *self.closed.get_or_init(Instant::now) + self.deadline;
        drains.update_gate();
        let registries = &drains.shared.means.registries;
        let wanted = |info: &SessionInfo| self.scope.covers(&place(info));
        let ask = || Asking::among(registries, wanted, &self.plan, Cause::Drain);
        let asking = self.asking.get_or_init(|| tokio::task::block_in_place(ask));
        let pace = asking.share(&drains.shared.means.budget, self.deadline);
        let going = async { tokio::join!(asking.run(pace, || true), drains.all_gone(asking)) };
        tokio::select! {
            ((), ()) = going => return,
            () = sleep_until(deadline) => asking.cut(Cause::DrainDeadline),
        }
        drains.all_gone(asking).await;
    }

    /// Takes it back: whoever was not asked stays.
    pub(super) fn cancel(&self) {
        self.cancelled.notify_one();
        if let Some(asking) = self.asking.get() {
            asking.cancel();
        }
    }

    /// What takes no new sessions for it, once that has begun.
    pub(super) fn closed(&self) -> Option<Drained> {
        self.closed.get()?;
        Some(Drained {
            scope: self.scope.clone(),
            close: self.plan.close.clone(),
        })
    }

    pub(super) fn status(&self) -> DrainStatus {
        let deadline = self.closed.get().map(|closed| *closed + self.deadline);
        DrainStatus {
            scope: self.scope.clone(),
            begun: self.begun.elapsed(),
            progress: self.asking.get().map(Asking::progress),
            deadline: deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())),
        }
    }
}

fn place(info: &SessionInfo) -> Place<'_> {
    Place {
        listener: &info.listener,
        route: &info.route,
        cluster: &info.cluster,
        endpoint: &info.endpoint,
    }
}
