//! How many workers there are, and which CPU each of them runs on.
//!
//! With `workers: auto` on a machine that is wholly the gateway's to use, each worker stays on a CPU of
//! its own: it is not put beside another by accident, and finds its cache as it left it. Where a quota
//! or `workers: N` makes fewer workers than CPUs, the system chooses: gateways that share a machine
//! would all choose the same CPUs.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use switchyard_config::Workers;

/// The workers' CPUs.
#[derive(Clone, Debug)]
pub(crate) struct Cores {
    workers: usize,
    /// For each worker its own; empty where the system chooses.
    own: Vec<usize>,
}

impl Cores {
    /// `auto` is one worker for each CPU that this process may use: affinity masks and cgroup quotas count.
    pub(crate) fn of(workers: Workers) -> Self {
        let workers = match workers {
            Workers::Fixed(count) => {
                return Self {
                    workers: count.get(),
                    own: Vec::new(),
                };
            }
            Workers::Auto => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let mut own = allowed();
        if own.len() != workers {
            own.clear();
        }
        Self { workers, own }
    }

    /// How many workers there are.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Keeps this thread, which is that of a worker, on its CPU.
    pub(crate) fn settle(&self, worker: usize) {
        let Some(core) = self.own.get(worker) else {
            return;
        };
        let mut set = CpuSet::new();
        set.set(*core);
        if let Err(error) = sched_setaffinity(None, &set) {
            tracing::debug!(worker, core, %error, "the worker has no CPU of its own");
        }
    }
}

/// The CPUs that this process may use.
fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU)
        .filter(|core| set.is_set(*core))
        .collect()
}
