//! Workers: one thread each, with its own runtime, listening sockets and sessions.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use switchyard_drain::{Phase, Tasks, Watch};
use switchyard_edge::{self as edge, Handover, Inbox, Listener, SnapshotCell};
use switchyard_proto::session::Cause;
use switchyard_relay::{DrainPlan, Registry};
use switchyard_telemetry::Metrics;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::cores::Cores;
use crate::error::StartError;

/// How long cut sessions and requests may take to let go of their connections.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) snapshot: Arc<SnapshotCell>,
    pub(crate) metrics: Metrics,
    pub(crate) watch: Watch,
    pub(crate) plan: DrainPlan,
    pub(crate) cores: Cores,
}

/// Every worker of a gateway, running.
pub(crate) struct Workers {
    registries: Vec<Registry>,
    /// Closed when the last worker has ended: each holds a sender and sends nothing.
    ended: mpsc::Receiver<Infallible>,
}

impl Workers {
    /// Starts one worker for each set of listeners.
    pub(crate) fn start(
        listeners: Vec<Vec<Listener>>,
        common: &Common,
    ) -> Result<Self, StartError> {
        let (alive, ended) = mpsc::channel(1);
        let mut registries = Vec::with_capacity(listeners.len());
        let places = Handover::among(listeners.len(), &common.metrics);
        for (index, (listeners, place)) in listeners.into_iter().zip(places).enumerate() {
            let (handover, inbox) = place;
            let worker = Worker::new(index, handover, common.clone(), alive.clone())?;
            registries.push(worker.registry.clone());
            worker.start(listeners, inbox).map_err(StartError::Thread)?;
        }
        Ok(Self { registries, ended })
    }

    /// The sessions of each worker.
    pub(crate) fn registries(&self) -> &[Registry] {
        &self.registries
    }

    /// How many workers there are.
    pub(crate) fn count(&self) -> usize {
        self.registries.len()
    }

    /// Live sessions of all workers.
    pub(crate) fn sessions(&self) -> usize {
        self.registries.iter().map(Registry::len).sum()
    }

    /// Ends every session at once, for this reason.
    pub(crate) fn cut_sessions(&self, cause: Cause) {
        for registry in &self.registries {
            registry.cut(cause);
        }
    }

    /// Waits until every worker has ended. Cancel-safe.
    pub(crate) async fn ended(&mut self) {
        while self.ended.recv().await.is_some() {}
    }
}

struct Worker {
    index: usize,
    registry: Registry,
    runtime: Runtime,
    /// Sessions and requests: a drain waits for these.
    work: Tasks,
    edge: Arc<edge::Worker>,
    common: Common,
    alive: mpsc::Sender<Infallible>,
}

impl Worker {
    fn new(
        index: usize,
        handover: Handover,
        mut common: Common,
        alive: mpsc::Sender<Infallible>,
    ) -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let registry = Registry::new();
        let work = Tasks::new();
        let edge = edge::Worker::new(
            Arc::clone(&common.snapshot),
            registry.clone(),
            handover,
            &common.metrics,
            work.clone(),
            common.watch.clone(),
            common.plan.close.clone(),
        )?;
        common.plan.seed ^= index as u64;
        Ok(Self {
            index,
            registry,
            runtime,
            work,
            edge: Arc::new(edge),
            common,
            alive,
        })
    }

    fn start(self, listeners: Vec<Listener>, inbox: Inbox) -> io::Result<()> {
        let name = format!("worker-{}", self.index);
        thread::Builder::new().name(name).spawn(move || {
            self.common.cores.settle(self.index);
            self.runtime.block_on(self.serve(listeners, inbox));
            drop(self.alive);
        })?;
        Ok(())
    }

    /// Accepts until the drain begins, asks the sessions to go, and ends with the last of them or at the cut.
    async fn serve(&self, listeners: Vec<Listener>, inbox: Inbox) {
        let background = Tasks::new();
        background.spawn(self.registry.clone().keep_time());
        self.work
            .spawn(edge::take_over(inbox, Arc::clone(&self.edge)));
        for listener in listeners {
            let name = Arc::clone(listener.name());
            let serving = edge::serve(listener, Arc::clone(&self.edge));
            background.spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(listener = %name, %error, "the listener cannot be used");
                }
            });
        }
        let watch = &self.common.watch;
        watch.reached(Phase::Draining).await;
        self.edge.dialer().close_idle();
        background.spawn(self.registry.clone().drain(self.common.plan.clone()));
        tokio::select! {
            () = self.work.finished() => {}
            () = watch.reached(Phase::Cut) => self.let_go().await,
        }
    }

    async fn let_go(&self) {
        if timeout(CUT_GRACE, self.work.finished()).await.is_err() {
            tracing::warn!(
                worker = self.index,
                tasks = self.work.len(),
                "left behind at the cut"
            );
        }
    }
}
