//! Workers: one thread each, with its own runtime, listening sockets and sessions.

use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use switchyard_drain::{Phase, Tasks, Watch};
use switchyard_edge::{self as edge, Handover, Inbox, Listener, Moored, Reception, Unmoored};
use switchyard_proto::session::Cause;
use switchyard_push::Push;
use switchyard_relay::Registry;
use switchyard_telemetry::Metrics;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::cores::Cores;
use crate::error::StartError;
use crate::first_answers::FirstAnswers;
use crate::live::Live;

/// How long cut sessions and requests may take to let go of their connections.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// How far ahead a timer may be set without waking the runtime: most are not due before.
const TICK: Duration = Duration::from_secs(1);

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) live: Live,
    pub(crate) metrics: Metrics,
    pub(crate) watch: Watch,
    pub(crate) drains: Arc<edge::Drains>,
    pub(crate) cores: Cores,
    pub(crate) push: Push,
    pub(crate) first_answers: FirstAnswers,
}

/// Listeners that wait for a worker to serve them.
const LISTENERS: usize = 16;

/// Where each worker is given listeners to serve.
pub(crate) type Doors = Vec<mpsc::Sender<Listener>>;

/// Every worker of a gateway, running.
pub(crate) struct Workers {
    registries: Vec<Registry>,
    berths: Arc<[Berth]>,
    doors: Doors,
    /// Closed when the last worker has ended: each holds a sender and sends nothing.
    ended: mpsc::Receiver<Infallible>,
}

impl Workers {
    /// Starts as many workers as there are cores for them.
    pub(crate) fn start(common: &Common) -> Result<Self, StartError> {
        let (alive, ended) = mpsc::channel(1);
        let count = common.cores.workers();
        let mut registries = Vec::with_capacity(count);
        let mut berths = Vec::with_capacity(count);
        let mut doors = Vec::with_capacity(count);
        let places = Handover::among(count, &common.metrics);
        for (index, (handover, inbox)) in places.into_iter().enumerate() {
            let (door, listeners) = mpsc::channel(LISTENERS);
            let worker = Worker::new(index, handover, common.clone(), alive.clone())?;
            registries.push(worker.registry.clone());
            berths.push(worker.berth());
            doors.push(door);
            worker.start(listeners, inbox).map_err(StartError::Thread)?;
        }
        Ok(Self {
            registries,
            berths: berths.into(),
            doors,
            ended,
        })
    }

    /// Where each of them is given listeners to serve.
    pub(crate) fn doors(&self) -> &Doors {
        &self.doors
    }

    /// The sessions of each worker.
    pub(crate) fn registries(&self) -> &[Registry] {
        &self.registries
    }

    /// Where sessions come to from another process, worker by worker.
    pub(crate) fn berths(&self) -> &Arc<[Berth]> {
        &self.berths
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

/// A worker, as what comes from another process comes to it.
pub(crate) struct Berth {
    runtime: Handle,
    edge: edge::Berth,
}

impl Berth {
    /// Does what has to be done within the worker's runtime.
    pub(crate) fn within<R>(&self, work: impl FnOnce() -> R) -> R {
        let _within = self.runtime.enter();
        work()
    }

    /// See [`edge::Berth::moor`].
    pub(crate) fn moor(
        &self,
        record: &[u8],
        sockets: [OwnedFd; 2],
        receptions: &[Reception],
    ) -> Result<Moored, Unmoored> {
        self.edge.moor(record, sockets, receptions)
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
        common: Common,
        alive: mpsc::Sender<Infallible>,
    ) -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let registry = Registry::new();
        let work = Tasks::new();
        let edge = edge::Worker::new(edge::Equipment {
            snapshot: Arc::clone(&common.live.snapshot),
            registry: registry.clone(),
            handover,
            metrics: &common.metrics,
            tasks: work.clone(),
            watch: common.watch.clone(),
            drains: Arc::clone(&common.drains),
            push: common.push.clone(),
            index,
        })?;
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

    fn berth(&self) -> Berth {
        Berth {
            runtime: self.runtime.handle().clone(),
            edge: edge::Berth::new(Arc::clone(&self.edge)),
        }
    }

    fn start(self, listeners: mpsc::Receiver<Listener>, inbox: Inbox) -> io::Result<()> {
        let name = format!("worker-{}", self.index);
        thread::Builder::new().name(name).spawn(move || {
            self.common.cores.settle(self.index);
            self.runtime.block_on(self.serve(listeners, inbox));
            drop(self.alive);
        })?;
        Ok(())
    }

    /// Accepts until the drain begins, and ends with the last of its sessions or at the cut.
    async fn serve(&self, listeners: mpsc::Receiver<Listener>, inbox: Inbox) {
        let background = Tasks::new();
        background.spawn(self.registry.clone().keep_time());
        background.spawn(tick());
        background.spawn(self.common.push.hub().desk(self.index).run());
        self.work
            .spawn(edge::take_over(inbox, Arc::clone(&self.edge)));
        let open = open(listeners, Arc::clone(&self.edge), background.clone());
        background.spawn(open);
        let watch = &self.common.watch;
        watch.reached(Phase::Draining).await;
        self.edge.dialer().close_idle();
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

/// Has a timer be due soon, always. For one that is due before all others the runtime wakes itself, with a system call, and
/// the timeout of a connection that is made often is the earliest that there is.
async fn tick() {
    loop {
        sleep(TICK).await;
    }
}

/// Serves each listener that comes, until it is closed or the worker drains.
async fn open(mut listeners: mpsc::Receiver<Listener>, edge: Arc<edge::Worker>, tasks: Tasks) {
    while let Some(listener) = listeners.recv().await {
        let name = listener.name().clone();
        let serving = edge::serve(listener, Arc::clone(&edge));
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(listener = %name, %error, "the listener cannot be used");
            }
        });
    }
}
