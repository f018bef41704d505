//! What is published.
//!
//! A message is published when the server has said that it has seen to it: it has passed it on to whoever it knew to
//! follow the subject at this time, as far as to their connections. That they took it is not known, but of a message to
//! one replica, which says so itself.

use std::sync::Arc;

use async_nats::{Request, RequestErrorKind};
use bytes::Bytes;

use super::link::{Slot, refused, unsent};
use super::subjects::Subjects;
use crate::bus::Reached;
use crate::driver;
use crate::error::PublishError;
use crate::history::{Keep, MessageId, Missed};
use crate::subject::Subject;

/// The half of the driver that sends.
pub(crate) struct Carrier {
    slot: Slot,
    subjects: Arc<Subjects>,
}

impl Carrier {
    pub(super) fn new(slot: Slot, subjects: Arc<Subjects>) -> Self {
        Self { slot, subjects }
    }

    async fn publish_to_all(
        &self,
        subject: &Subject,
        payload: Bytes,
    ) -> Result<Reached, PublishError> {
        let link = self.slot.get()?;
        let published = link.client.publish(self.subjects.of(subject), payload);
        published.await.map_err(|error| unsent(&error))?;
        link.echo.round_trip(&link.client).await?;
        Ok(Reached::Unknown)
    }

    /// The replica answers. Where nobody follows its subject, the server does.
    async fn publish_to_one(
        &self,
        subject: &Subject,
        payload: Bytes,
    ) -> Result<Reached, PublishError> {
        let link = self.slot.get()?;
        let request = Request::new().payload(payload).timeout(None);
        let answer = link.client.send_request(self.subjects.of(subject), request);
        match answer.await {
            Ok(_) => Ok(Reached::Replicas(1)),
            Err(error) => match error.kind() {
                RequestErrorKind::NoResponders => Ok(Reached::Replicas(0)),
                RequestErrorKind::TimedOut => Err(PublishError::TimedOut),
                RequestErrorKind::Other => Err(PublishError::Lost),
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    Err(refused(&error))
                }
            },
        }
    }
}

impl driver::Carrier for Carrier {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<Reached, PublishError> {
        match subject {
            Subject::Replica(_) => self.publish_to_one(subject, payload).await,
            Subject::Channel(_) | Subject::Replicas | Subject::Events => {
                self.publish_to_all(subject, payload).await
            }
        }
    }

    async fn append(
        &self,
        channel: &str,
        payload: Bytes,
        keep: Keep,
    ) -> Result<MessageId, PublishError> {
        let link = self.slot.get()?;
        let subject = self.subjects.history(channel);
        link.history.append(subject, payload, keep).await
    }

    async fn since(
        &self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Result<Missed, PublishError> {
        let link = self.slot.get()?;
        let subject = self.subjects.history(channel);
        link.history.since(&subject, after, most, keep).await
    }
}
