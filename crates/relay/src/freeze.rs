//! Sessions that another process is to go on with: asked to hold still, described, and then let go or
//! told to go on.
//!
//! Whoever asks gives each session a [`Freeze`]. A session that can be moved answers with a [`Parcel`],
//! and does nothing more until it hears the [`Verdict`]; one that cannot, or that ends meanwhile, drops the
//! freeze and goes on as before. So when all are answered or dropped, nobody else will answer.
//!
//! Not here: what is in a record, and how it gets to the other process.

use std::os::fd::OwnedFd;

use tokio::sync::{mpsc, oneshot};

/// Asks a session to hold still. Clones ask for the same collector.
#[derive(Clone, Debug)]
pub struct Freeze(mpsc::Sender<Parcel>);

/// A session that holds still.
#[derive(Debug)]
pub struct Parcel {
    /// What the other process needs to know.
    pub record: Vec<u8>,
    /// Its connections, the client's first. They are duplicates: the session has its own.
    pub descriptors: [OwnedFd; 2],
    /// Where it waits to hear what becomes of it. Dropped, it goes on.
    pub verdict: oneshot::Sender<Verdict>,
}

/// What becomes of a session that holds still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another process goes on with it; here it ends without a word to its peers.
    Gone,
    /// It goes on here.
    Stays,
}

impl Freeze {
    /// One that collects up to `count` parcels.
    pub fn collecting(count: usize) -> (Self, mpsc::Receiver<Parcel>) {
        let (sender, parcels) = mpsc::channel(count.max(1));
        (Self(sender), parcels)
    }

    /// The session holds still. A parcel that nobody collects any more is told so by its verdict.
    pub fn answer(self, parcel: Parcel) {
        // Dropped with its verdict where it cannot be sent.
        self.0.try_send(parcel).ok();
    }
}
