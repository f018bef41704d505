//! Every drain of this process: by order of an operator, of endpoints that leave, and the process's own.
//!
//! They are kept by name and beside the snapshot, so that they outlive a reload. Only the process's own is
//! not begun here (`shutdown`); it is shown with the others.

mod order;
mod parting;
mod show;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use switchyard_admin::{DrainControl, DrainRefused, DrainStatus, DrainWish};
use switchyard_drain::{Budget, Phase, Scope, Tasks, Watch};
use switchyard_edge as edge;
use switchyard_proto::session::Cause;
use switchyard_relay::{Asking, DrainPlan, Progress, Registry};
use switchyard_telemetry::DrainMetrics;
use tokio::time::interval;

use crate::live::Live;
use order::Order;
use parting::Parting;

/// How often progress is brought up to date.
const PROGRESS: Duration = Duration::from_millis(250);

/// All drains. Clones are the same.
#[derive(Clone)]
pub(crate) struct Drains {
    shared: Arc<Shared>,
}

/// What drains work with.
pub(crate) struct Means {
    pub(crate) registries: Vec<Registry>,
    /// What an order does not say otherwise.
    pub(crate) live: Live,
    /// Where new sessions are turned away.
    pub(crate) gate: Arc<edge::Drains>,
    pub(crate) metrics: DrainMetrics,
    pub(crate) watch: Watch,
    /// The pace that replicas share.
    pub(crate) budget: Budget,
}

struct Shared {
    means: Means,
    tasks: Tasks,
    orders: Mutex<Vec<Arc<Order>>>,
    partings: Mutex<Vec<Parting>>,
    /// The process's own.
    process: OnceLock<Asking>,
}

impl Drains {
    /// None so far.
    pub(crate) fn new(means: Means) -> Self {
        let shared = Shared {
            means,
            tasks: Tasks::new(),
            orders: Mutex::default(),
            partings: Mutex::default(),
            process: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The process leaves: asks every session to go, and each that opens from now on.
    pub(crate) fn begin_own(&self) {
        let means = &self.shared.means;
        let ask = || Asking::everyone(&means.registries, &means.live.plan(), Cause::Drain);
        let asking = self
            .shared
            .process
            .get_or_init(|| tokio::task::block_in_place(ask))
            .clone();
        let deadline = means.live.settings().config.drain.deadline;
        let pace = asking.share(&means.budget, deadline);
        self.shared
            .tasks
            .spawn(async move { asking.run(pace, || true).await });
    }

    /// Shows how far they are, for ever.
    pub(crate) async fn keep_showing(&self) {
        let mut progress = interval(PROGRESS);
        loop {
            progress.tick().await;
            self.show();
        }
    }

    /// Returns when nobody of `asking` is left, and shows how far it is meanwhile.
    async fn all_gone(&self, asking: &Asking) {
        let mut progress = interval(PROGRESS);
        loop {
            progress.tick().await;
            self.show();
            if asking.progress().left == 0 {
                return;
            }
        }
    }

    /// A plan of its own, so that no two keep step.
    fn plan(&self, nth: usize) -> DrainPlan {
        let plan = self.shared.means.live.plan();
        DrainPlan {
            seed: plan.seed.wrapping_add(1 + nth as u64),
            ..plan
        }
    }

    /// Has new sessions turned away exactly where that was ordered.
    fn update_gate(&self) {
        let orders = self.orders();
        let closed = orders.iter().filter_map(|order| order.closed());
        self.shared.means.gate.set(closed.collect());
    }

    fn orders(&self) -> MutexGuard<'_, Vec<Arc<Order>>> {
        let orders = &self.shared.orders;
        orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn partings(&self) -> MutexGuard<'_, Vec<Parting>> {
        let partings = &self.shared.partings;
        partings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exists(&self, scope: &Scope) -> bool {
        let snapshot = self.shared.means.live.snapshot.load();
        match scope {
            Scope::Gateway => true,
            Scope::Listener(name) => snapshot.listener(name).is_some(),
            Scope::Route(name) => snapshot.routes().any(|route| route.name() == name),
            Scope::Cluster(name) | Scope::Endpoint { cluster: name, .. } => {
                snapshot.clusters().get(name).is_some()
            }
        }
    }
}

impl DrainControl for Drains {
    fn begin(&self, scope: Scope, wish: DrainWish) -> Result<DrainStatus, DrainRefused> {
        if self.shared.means.watch.phase() > Phase::Serving {
            return Err(DrainRefused::Leaving);
        }
        if !self.exists(&scope) {
            return Err(DrainRefused::NoSuch(scope));
        }
        let order = {
            let mut orders = self.orders();
            if orders.iter().any(|order| order.scope == scope) {
                return Err(DrainRefused::UnderWay(scope));
            }
            let plan = self.plan(orders.len());
            let order = Arc::new(Order::new(scope, &wish, &plan, &self.shared.means)?);
            orders.push(Arc::clone(&order));
            order
        };
        tracing::info!(scope = %order.scope, "draining by order");
        self.show();
        let status = order.status();
        let drains = self.clone();
        self.shared
            .tasks
            .spawn(async move { order.carry_out(&drains).await });
        Ok(status)
    }

    fn cancel(&self, scope: &Scope) -> Result<DrainStatus, DrainRefused> {
        let found = {
            let mut orders = self.orders();
            let at = orders.iter().position(|order| order.scope == *scope);
            at.map(|at| orders.remove(at))
        };
        let Some(order) = found else {
            return Err(match self.shared.means.watch.phase() {
                Phase::Serving => DrainRefused::NotUnderWay(scope.clone()),
                Phase::Leaving | Phase::Draining | Phase::Cut => DrainRefused::Leaving,
            });
        };
        order.cancel();
        self.update_gate();
        self.show();
        tracing::info!(scope = %order.scope, "serving by order");
        Ok(order.status())
    }

    fn list(&self) -> Vec<DrainStatus> {
        let mut all: Vec<_> = self.orders().iter().map(|order| order.status()).collect();
        let mut partings = self.partings();
        partings.retain(Parting::is_of_interest);
        all.extend(partings.iter().map(Parting::status));
        all
    }

    fn own(&self) -> Option<Progress> {
        self.shared.process.get().map(Asking::progress)
    }

    fn is_whole_gateway(&self) -> bool {
        let orders = self.orders();
        orders.iter().any(|order| order.scope == Scope::Gateway)
    }
}
