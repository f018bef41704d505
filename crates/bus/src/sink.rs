//! Where what comes from the bus goes to.

use bytes::Bytes;

use crate::history::MessageId;
use crate::subject::Subject;

/// Where what comes from the bus goes to. It is called in the order in which messages came, from one task at a time, and
/// must not wait.
pub trait Sink: Send + Sync + 'static {
    /// A message came. It has an id where its channel keeps what is published.
    fn receive(&self, subject: Subject, payload: Bytes, id: Option<MessageId>);

    /// The bus is there again after a time in which messages were missed; everything is followed again.
    fn resumed(&self);

    /// So many messages came faster than they could be taken, and are lost.
    fn overrun(&self, messages: u64);
}
