//! What a worker dials with.
//!
//! The two things it does live in [`crate::upgrade`] and [`crate::send`]; where endpoints are spoken to in
//! HTTP/2, in [`crate::streams`].

use switchyard_drain::Tasks;

use crate::http2::connections::Connections;
use crate::nursery::Nursery;
use crate::pool::Pool;

/// Dials endpoints for one worker; owns that worker's kept-alive connections.
#[derive(Debug)]
pub struct Dialer {
    pub(crate) tasks: Tasks,
    pub(crate) nursery: Nursery,
    pub(crate) pool: Pool,
    pub(crate) connections: Connections,
}

impl Dialer {
    /// A dialer whose connections are driven by `tasks`.
    #[must_use]
    pub fn new(tasks: Tasks) -> Self {
        Self {
            nursery: Nursery::default(),
            pool: Pool::new(tasks.clone()),
            connections: Connections::new(tasks.clone()),
            tasks,
        }
    }

    /// Closes the idle connections now, and keeps none from here on.
    ///
    /// Requests in flight go on. Without it the tasks of idle connections hold up
    /// [`Tasks::finished`] for the pool's idle timeout.
    pub fn close_idle(&self) {
        self.pool.close();
        self.connections.close();
    }

    /// Runs `driver` until HTTP is over on its connection. How it ended is told to whoever reads the
    /// answer or its body.
    pub(crate) fn drive(&self, driver: impl Future<Output = hyper::Result<()>> + Send + 'static) {
        self.tasks.spawn(async move { drop(driver.await) });
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.close_idle();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::testing::{CLIENT, Rig, get, handshake, offer, ranked, settings};

    fn is_send(_future: &impl Send) {}

    /// A handshake's task holds these while it waits.
    #[tokio::test]
    async fn the_futures_are_small_and_may_be_spawned() {
        let (rig, offer) = (Rig::new(), offer());
        let cluster = rig.cluster(settings(&[]));
        let ranking = || ranked(&cluster);
        let sending = rig.dialer.send(&cluster, ranking(), &CLIENT, get("/"));
        is_send(&sending);
        assert!(size_of_val(&sending) <= 4096, "{}", size_of_val(&sending));
        let wait = Duration::from_secs(1);
        let upgrading = rig
            .dialer
            .upgrade(&cluster, ranking(), &CLIENT, &offer, handshake(), wait);
        is_send(&upgrading);
        assert!(
            size_of_val(&upgrading) <= 1536,
            "{}",
            size_of_val(&upgrading)
        );
    }
}
