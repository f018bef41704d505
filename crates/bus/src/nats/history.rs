//! What is kept: a stream of `JetStream` with the messages of every channel.
//!
//! A message is published to the stream, which keeps it and publishes it again to whoever follows the channel, with its
//! number in the stream; so what comes live and what is kept have one order, and whoever publishes natively does as the
//! gateway does.

mod read;
mod stream;

use async_nats::Message;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishErrorKind;
use bytes::Bytes;

use super::link::refused;
use super::sequence::Place;
use super::subjects::Subjects;
use crate::error::PublishError;
use crate::history::{Keep, MessageId, Missed};
use stream::Stream;

/// What is kept, as one connection sees it.
pub(super) struct History {
    context: Context,
    stream: Stream,
}

impl History {
    pub(super) fn new(context: Context, subjects: &Subjects) -> Self {
        Self {
            stream: Stream::new(context.clone(), subjects),
            context,
        }
    }

    /// Where a message has its place, if it came from the stream.
    pub(super) fn place_of(&self, message: &Message) -> Option<Place> {
        let headers = message.headers.as_ref()?;
        if headers.get("Nats-Stream")?.as_str() != self.stream.name() {
            return None;
        }
        let number = |name| headers.get(name)?.as_str().parse().ok();
        Some(Place {
            number: number("Nats-Sequence")?,
            before: number("Nats-Last-Sequence")?,
        })
    }

    /// Publishes it to the stream, which answers when it has kept it.
    pub(super) async fn append(
        &self,
        subject: String,
        payload: Bytes,
        keep: Keep,
    ) -> Result<MessageId, PublishError> {
        self.stream.keeping(keep).await?;
        let published = self.context.publish(subject, payload).await;
        let answer = match published {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        answer.map(|answer| id(answer.sequence)).map_err(|error| {
            // Somebody may have removed the stream: it is looked at again the next time.
            self.stream.forget();
            match error.kind() {
                PublishErrorKind::TimedOut => PublishError::TimedOut,
                PublishErrorKind::BrokenPipe => PublishError::Lost,
                PublishErrorKind::StreamNotFound
                | PublishErrorKind::WrongLastMessageId
                | PublishErrorKind::WrongLastSequence
                | PublishErrorKind::MaxAckPending
                | PublishErrorKind::MaxPayloadExceeded
                | PublishErrorKind::Other => refused(&error),
            }
        })
    }

    /// See [`Bus::since`](crate::Bus::since).
    pub(super) async fn since(
        &self,
        subject: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Result<Missed, PublishError> {
        let stream = self.stream.keeping(keep).await?;
        let missed = read::since(&stream, subject, after, most, keep).await;
        missed.inspect_err(|_| self.stream.forget())
    }
}

/// The id of the message with this number.
pub(super) fn id(number: u64) -> MessageId {
    MessageId {
        major: 0,
        minor: number,
    }
}
