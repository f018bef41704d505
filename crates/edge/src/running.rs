//! The task of an open session: it relays until the session ends, or goes to another process.
//!
//! A type of its own, because an async block would hold the relay twice: as what it captured and as what
//! it awaits. It lives for hours and is to be no larger than it must.

use std::mem;
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use switchyard_relay::{Ended, Freeze, Parcel, Relay, Verdict};
use switchyard_upstream::{Lease, Line};
use tokio::sync::oneshot;

use crate::io::Transport;
use crate::join::{Record, end};
use crate::moving::Moving;

/// See the module.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are open, and each has a task of its own"
)]
pub(crate) enum Running<T> {
    Open(Open<T>),
    /// It holds still until it hears what becomes of it.
    Held(Box<Held<T>>),
    Over,
}

/// A session, and what is given back and said when it is over.
pub(crate) struct Open<T> {
    pub(crate) relay: Relay<T, Line>,
    pub(crate) lease: Lease,
    pub(crate) record: Record,
}

pub(crate) struct Held<T> {
    open: Open<T>,
    verdict: oneshot::Receiver<Verdict>,
}

impl<T: Transport> Future for Running<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let running = self.get_mut();
        loop {
            match running {
                Self::Open(open) => match ready!(Pin::new(&mut open.relay).poll(cx)) {
                    Ended::Closed(closed) => {
                        if let Some(Open {
                            relay,
                            lease,
                            record,
                        }) = running.take()
                        {
                            lease.end(end(closed.outcome));
                            record.closed(relay.handle().info(), &closed);
                        }
                    }
                    Ended::Asked(freeze) => running.hold_still(freeze),
                },
                Self::Held(held) => match ready!(Pin::new(&mut held.verdict).poll(cx)) {
                    Ok(Verdict::Gone) => running.leave(),
                    // Whoever does not say goes on here.
                    Ok(Verdict::Stays) | Err(_) => running.go_on(),
                },
                Self::Over => return Poll::Ready(()),
            }
        }
    }
}

impl<T: Transport> Running<T> {
    /// Offers the session to who asks, if it can be moved.
    #[cold]
    fn hold_still(&mut self, freeze: Freeze) {
        let Self::Open(open) = self else {
            return;
        };
        let Some((parcel, verdict)) = open.parcel() else {
            return;
        };
        freeze.answer(parcel);
        if let Some(open) = self.take() {
            *self = Self::Held(Box::new(Held { open, verdict }));
        }
    }

    #[cold]
    fn go_on(&mut self) {
        if let Some(open) = self.take() {
            *self = Self::Open(open);
        }
    }

    /// Another process has it: what is closed here is open there.
    #[cold]
    fn leave(&mut self) {
        if let Some(open) = self.take() {
            open.record.handed_over(open.relay.handle().info());
        }
    }

    fn take(&mut self) -> Option<Open<T>> {
        match mem::replace(self, Self::Over) {
            Self::Open(open) => Some(open),
            Self::Held(held) => Some(held.open),
            Self::Over => None,
        }
    }
}

impl<T: Transport> Open<T> {
    /// What another process needs to go on; `None` where the session is ending, or something is between
    /// the sockets and its bytes, or there is no descriptor left.
    fn parcel(&self) -> Option<(Parcel, oneshot::Receiver<Verdict>)> {
        let (client, line) = self.relay.connections();
        let (client, endpoint) = (client.socket()?, line.socket()?);
        let now = switchyard_relay::now();
        let moving = Moving {
            still: self.relay.export(now)?,
            affinity: self.record.affinity,
        };
        let duplicate = |socket: BorrowedFd<'_>| socket.try_clone_to_owned().ok();
        let (sender, verdict) = oneshot::channel();
        let parcel = Parcel {
            record: moving.encode(now),
            descriptors: [duplicate(client)?, duplicate(endpoint)?],
            verdict: sender,
        };
        Some((parcel, verdict))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::io::Seated;

    /// A debug build's sockets remember whose they are.
    const DEBUG: usize = if cfg!(debug_assertions) { 16 } else { 0 };

    /// tokio and the tracker add 112 bytes, and tokio aligns to 128: 640 in all.
    #[test]
    fn the_task_of_a_session_is_small() {
        let size = size_of::<Running<Seated<TcpStream>>>();
        assert!(size <= 528 + DEBUG, "{size} bytes");
    }
}
