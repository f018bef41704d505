//! The task of an open session: it relays until the session ends, or goes to another process.
//!
//! A type of its own, because an async block would hold the relay twice: as what it captured and as what
//! it awaits. It lives for hours and is to be no larger than it must.

use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use switchyard_relay::{Closed, Ended, Freeze, Parcel, Relay, SessionInfo, Verdict};
use switchyard_upstream::{Lease, Line};
use switchyard_wire::Wire;
use tokio::sync::oneshot;

use crate::join::{Record, end};
use crate::moving::Moving;
use crate::subscription::Subscription;

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
    /// `None` where there is no endpoint.
    pub(crate) lease: Option<Lease>,
    pub(crate) record: Record,
}

pub(crate) struct Held<T> {
    open: Open<T>,
    verdict: oneshot::Receiver<Verdict>,
}

impl<T: Wire> Future for Running<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let running = self.get_mut();
        loop {
            match running {
                Self::Open(open) => match ready!(Pin::new(&mut open.relay).poll(cx)) {
                    Ended::Closed(closed) => {
                        if let Some(open) = running.take() {
                            open.close(&closed);
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

impl<T: Wire> Running<T> {
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
            open.end(|_lease, record, info| record.handed_over(info));
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

impl<T: Wire> Open<T> {
    fn close(self, closed: &Closed) {
        self.end(|lease, record, info| {
            if let Some(lease) = lease {
                lease.end(end(closed.outcome));
            }
            record.closed(info, closed);
        });
    }

    /// Says how it ended, and leaves the list and its channels, in this order.
    fn end(self, say: impl FnOnce(Option<Lease>, Record, &SessionInfo)) {
        let Self {
            relay,
            lease,
            record,
        } = self;
        let (worker, id) = (Arc::clone(&record.worker), relay.handle().info().id);
        say(lease, record, relay.handle().info());
        drop(relay);
        worker.desk.forget(id);
    }

    /// What another process needs to go on; `None` where the session is ending or being given what it missed of a channel,
    /// something is between the sockets and its bytes, or there is no descriptor left.
    fn parcel(&self) -> Option<(Parcel, oneshot::Receiver<Verdict>)> {
        let (client, line) = self.relay.connections();
        let client = client.tcp()?.as_fd();
        let endpoint = other_end(client, line)?;
        let now = switchyard_relay::now();
        // First of all: what it is handed after this keeps it from moving.
        let subscription = self.subscription()?;
        let moving = Moving {
            still: self.relay.export(now)?,
            affinity: self.record.affinity,
            subscription,
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

    fn subscription(&self) -> Option<Subscription> {
        let id = self.relay.handle().info().id;
        Subscription::of_session(&self.record.worker, id)
    }
}

/// The socket of the endpoint. Where there is none, the client's stands for it, so that every record has two; the
/// other process has an end of its own, which has to begin where this one is.
fn other_end<'a>(client: BorrowedFd<'a>, line: &'a Line) -> Option<BorrowedFd<'a>> {
    match line {
        Line::Own(_) | Line::Shared(_) => line.socket(),
        Line::Within(within) => within.is_at_rest().then_some(client),
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
