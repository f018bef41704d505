//! Tasks that are waited for. Nothing else in the workspace spawns, and the lints see to it.
//!
//! Not here: making tasks end. They watch the phase themselves.

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// A group of tasks. Clones are the same group.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
}

impl Tasks {
    /// A group without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task of this group on the current runtime; outside of one this panics. The task
    /// goes on when the handle is dropped.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let tracked = self.tracker.track_future(future);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that tracks what it spawns"
        )]
        tokio::spawn(tracked)
    }

    /// Waits until no task of the group is left: ended, panicked or aborted. Tasks that are
    /// started meanwhile are waited for, too. Cancel-safe.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// How many tasks of the group have not ended.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether no task of the group is left.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use tokio::sync::oneshot;
    use tokio::time::{sleep, timeout};

    async fn is_finished(tasks: &Tasks) -> bool {
        timeout(Duration::from_hours(1), tasks.finished())
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_without_tasks_is_finished() {
        let tasks = Tasks::new();
        assert!(tasks.is_empty());
        assert!(is_finished(&tasks).await);
    }

    #[tokio::test(start_paused = true)]
    async fn every_task_of_every_clone_is_waited_for() {
        let tasks = Tasks::new();
        let (end, ended) = oneshot::channel::<()>();
        tasks.spawn(async {});
        let last = tasks.clone().spawn(ended);
        assert!(!is_finished(&tasks).await);
        assert_eq!(tasks.len(), 1);
        end.send(()).expect("the task waits for it");
        assert!(is_finished(&tasks).await);
        assert!(last.await.expect("it did not panic").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_started_by_a_task_is_waited_for() {
        let tasks = Tasks::new();
        let (inner, (end, ended)) = (tasks.clone(), oneshot::channel::<()>());
        tasks.spawn(async move {
            sleep(Duration::from_secs(1)).await;
            inner.spawn(async move {
                sleep(Duration::from_secs(1)).await;
                end.send(())
            });
        });
        assert!(is_finished(&tasks).await);
        assert!(ended.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_or_is_aborted_has_ended() {
        let tasks = Tasks::new();
        let panicked = tasks.spawn(async { panic!("as it should") });
        tasks.spawn(std::future::pending::<()>()).abort();
        assert!(is_finished(&tasks).await);
        assert!(panicked.await.is_err_and(|error| error.is_panic()));
    }
}
