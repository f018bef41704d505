//! Who accepts at the listening sockets, where one process takes another's place: the new one waits until it
//! may, and the old one is relieved.
//!
//! Not here: leaving. Who is relieved goes on with all that it has.

use std::future;

use tokio::sync::watch;

/// Where a process is with regard to its listening sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Post {
    /// Another process accepts still.
    Waiting,
    /// This one accepts.
    Taken,
    /// Another process accepts in its place.
    Relieved,
}

/// Announces it.
#[derive(Clone, Debug)]
pub(crate) struct Announcer(watch::Sender<Post>);

/// Learns of it.
#[derive(Clone, Debug)]
pub(crate) struct Learner(watch::Receiver<Post>);

pub(crate) fn channel(first: Post) -> (Announcer, Learner) {
    let (sender, receiver) = watch::channel(first);
    (Announcer(sender), Learner(receiver))
}

impl Announcer {
    pub(crate) fn advance(&self, post: Post) {
        self.0.send_if_modified(|current| {
            let is_ahead = post > *current;
            *current = post.max(*current);
            is_ahead
        });
    }
}

impl Learner {
    pub(crate) fn post(&self) -> Post {
        *self.0.borrow()
    }

    /// Waits until `post`, or a later one. Cancel-safe.
    pub(crate) fn reached(&self, post: Post) -> impl Future<Output = ()> + Send + use<> {
        let mut receiver = self.0.clone();
        async move {
            if receiver.wait_for(|current| *current >= post).await.is_err() {
                future::pending::<()>().await;
            }
        }
    }
}
