//! A connection in use, and where those who publish find it.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::Client;
use async_nats::client::PublishErrorKind;

use super::echo::Echo;
use super::history::History;
use crate::error::PublishError;

/// A connection in use.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) echo: Echo,
    pub(super) history: History,
}

/// Where the connection of the moment is, if there is one.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Arc<Link>>>>);

impl Slot {
    /// The connection of the moment.
    pub(super) fn get(&self) -> Result<Arc<Link>, PublishError> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.clone().ok_or(PublishError::Unreachable)
    }

    pub(super) fn set(&self, link: Option<Arc<Link>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }
}

/// Why the client did not send something.
pub(super) fn unsent(error: &async_nats::PublishError) -> PublishError {
    match error.kind() {
        PublishErrorKind::Send => PublishError::Unreachable,
        PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::InvalidSubject => refused(error),
    }
}

/// What the client would not send, or the server not take.
pub(super) fn refused(error: &dyn Display) -> PublishError {
    PublishError::Refused(error.to_string())
}
