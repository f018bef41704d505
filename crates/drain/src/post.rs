//! Who accepts at the listening sockets, where one process takes another's place: the new one waits until it
//! may, and the old one is relieved.
//!
//! Not here: leaving. Who is relieved goes on with all that it has.

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

impl From<u8> for Post {
    fn from(post: u8) -> Self {
        match post {
            0 => Self::Waiting,
            1 => Self::Taken,
            _ => Self::Relieved,
        }
    }
}
