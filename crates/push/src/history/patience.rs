//! How long a client is waited for that is to take what it missed.

use std::time::Duration;

use switchyard_relay::Handle;
use tokio::time::sleep;

/// How long one recovery waits for its client, all in all. What it has not taken by then is left out.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked whether all is written: at first, and at last.
const SOON: Duration = Duration::from_millis(5);
const LATER: Duration = Duration::from_millis(200);

/// What is left of it. Only waiting for the client takes from it, not waiting for the bus.
pub(super) struct Patience {
    left: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { left: PATIENCE }
    }
}

impl Patience {
    /// Waits until the session has written all that it was given. Whether it has; not if it has gone.
    pub(super) async fn until_written(&mut self, session: &Handle) -> bool {
        let mut pause = SOON;
        while !session.is_written() {
            if session.is_gone() || self.left.is_zero() {
                return false;
            }
            sleep(pause).await;
            self.left = self.left.saturating_sub(pause);
            pause = (pause * 2).min(LATER);
        }
        true
    }
}
