//! What the follower of a driver has to do, and where it reports to.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arcstr::ArcStr;
use bytes::Bytes;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::history::MessageId;
use crate::interest::Interest;
use crate::sink::Sink;
use crate::status::Status;
use crate::subject::Subject;

/// What the follower of a driver has: what is to be followed, and whom to tell.
pub(crate) struct Duty {
    interest: Arc<Interest>,
    sink: Arc<dyn Sink>,
    status: watch::Sender<Status>,
    fault: Arc<Mutex<Option<ArcStr>>>,
    /// Whether it has been there.
    has_been: AtomicBool,
}

/// How the follower stands, for everyone else.
pub(crate) struct Standing {
    status: watch::Receiver<Status>,
    fault: Arc<Mutex<Option<ArcStr>>>,
}

impl Duty {
    /// Nothing is there yet.
    pub(crate) fn new(interest: Arc<Interest>, sink: Arc<dyn Sink>) -> (Self, Standing) {
        let (sender, status) = watch::channel(Status::Gone(Instant::now()));
        let fault = Arc::new(Mutex::new(None));
        let standing = Standing {
            status,
            fault: Arc::clone(&fault),
        };
        let duty = Self {
            interest,
            sink,
            status: sender,
            fault,
            has_been: AtomicBool::new(false),
        };
        (duty, standing)
    }

    /// What is to be followed.
    pub(crate) fn interest(&self) -> &Interest {
        &self.interest
    }

    /// A message came.
    pub(crate) fn receive(&self, subject: Subject, payload: Bytes, id: Option<MessageId>) {
        self.sink.receive(subject, payload, id);
    }

    /// So many were lost because they came too fast.
    pub(crate) fn overrun(&self, messages: u64) {
        self.sink.overrun(messages);
    }

    /// It is connected, and everything that is of interest is followed.
    pub(crate) fn connected(&self) {
        set(&self.fault, None);
        self.status.send_replace(Status::Connected);
        info!("the bus is there");
        if self.has_been.swap(true, Ordering::Relaxed) {
            self.sink.resumed();
        }
    }

    /// It is not there, or still not, and this is why. Said in the log once for each reason.
    pub(crate) fn gone(&self, fault: &dyn Display) {
        self.interest.lost();
        let text: ArcStr = fault.to_string().into();
        let before = set(&self.fault, Some(text.clone()));
        self.status.send_if_modified(|status| {
            let was_there = *status == Status::Connected;
            if was_there {
                *status = Status::Gone(Instant::now());
            }
            was_there
        });
        if before.as_ref() != Some(&text) {
            warn!(fault = %text, "the bus is not there");
        }
    }
}

impl Standing {
    /// Whether it is there.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Whether it is there now.
    pub(crate) fn is_connected(&self) -> bool {
        *self.status.borrow() == Status::Connected
    }

    /// Why it is not.
    pub(crate) fn fault(&self) -> Option<ArcStr> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What was there before.
fn set(fault: &Mutex<Option<ArcStr>>, to: Option<ArcStr>) -> Option<ArcStr> {
    let mut fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut *fault, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Tape;

    #[test]
    fn a_gap_is_told_when_it_is_over() {
        let tape = Tape::new();
        let (duty, standing) = Duty::new(Arc::new(Interest::new("a1")), tape.sink());
        assert!(!standing.is_connected());
        duty.gone(&"refused");
        assert_eq!(standing.fault().as_deref(), Some("refused"));
        duty.connected();
        assert!(standing.is_connected());
        assert_eq!((tape.resumed(), standing.fault()), (0, None));
        duty.gone(&"ended");
        let since = *standing.status().borrow();
        duty.gone(&"refused");
        assert_eq!(
            *standing.status().borrow(),
            since,
            "the time is that of the loss"
        );
        duty.connected();
        assert_eq!(tape.resumed(), 1);
    }
}
