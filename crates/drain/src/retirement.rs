//! The end of something that others go on without: what was done for it ends, and it is not waited for.

use tokio_util::sync::CancellationToken;

use crate::Tasks;

/// Whether something has gone out of use. Clones are of the same thing.
#[derive(Clone, Debug, Default)]
pub struct Retirement {
    token: CancellationToken,
}

impl Retirement {
    /// It goes out of use, for good.
    pub fn begin(&self) {
        self.token.cancel();
    }

    /// Has `tasks` do `work` until it is done, or this begins; then it is dropped where it is.
    pub fn spawn_until(&self, tasks: &Tasks, work: impl Future<Output = ()> + Send + 'static) {
        let token = self.token.clone();
        tasks.spawn(async move {
            token.run_until_cancelled(work).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn work_ends_when_what_it_is_for_goes_out_of_use() {
        let (retirement, tasks) = (Retirement::default(), Tasks::new());
        retirement.spawn_until(&tasks, pending());
        retirement.spawn_until(&tasks, async {});
        retirement.clone().begin();
        tasks.finished().await;
        retirement.spawn_until(&tasks, pending());
        tasks.finished().await;
    }
}
