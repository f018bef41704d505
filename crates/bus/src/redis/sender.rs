//! The half that sends.

use std::sync::Arc;

use bytes::Bytes;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, Value};

use super::fault::said;
use super::fleet::Routes;
use super::history::{self, Scripts};
use super::names::Names;
use crate::bus::Reached;
use crate::driver::Carrier;
use crate::error::PublishError;
use crate::history::{Keep, MessageId, Missed};
use crate::subject::Subject;

/// The half that sends.
pub(crate) struct Redis {
    pub(super) routes: Arc<Routes>,
    pub(super) names: Names,
    pub(super) scripts: Scripts,
}

impl Carrier for Redis {
    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<Reached, PublishError> {
        let channel = self.names.channel(subject);
        let mut command = redis::cmd(self.names.dialect().publish());
        command.arg(&channel).arg(&*payload);
        let receivers = self.run(&channel, &command).await;
        receivers
            .map(Reached::Replicas)
            .map_err(|error| refusal(&error))
    }

    async fn append(
        &self,
        channel: &str,
        payload: Bytes,
        keep: Keep,
    ) -> Result<MessageId, PublishError> {
        let key = self.names.history(channel)?;
        let call = self
            .scripts
            .publish(&key, &self.names, channel, &payload, keep);
        let id: String = call
            .run(self, &key)
            .await
            .map_err(|error| refusal(&error))?;
        id.parse().ok().ok_or_else(strange)
    }

    async fn since(
        &self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Result<Missed, PublishError> {
        let key = self.names.history(channel)?;
        let most = most.min(keep.messages);
        let call = self.scripts.since(&key, after, most, keep);
        let found: Value = call
            .run(self, &key)
            .await
            .map_err(|error| refusal(&error))?;
        let found = history::Found::parse(found).ok_or_else(strange)?;
        Ok(found.missed(after, most))
    }
}

impl Redis {
    /// Asks whoever has the slot of `key`.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
    ) -> Result<T, RedisError> {
        let Some(mut connection) = self.routes.towards(key) else {
            return Err(RedisError::from((
                ErrorKind::ClusterConnectionNotFound,
                "there is no connection",
            )));
        };
        let answer = connection.send_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Server(ServerErrorKind::Moved)
        {
            self.routes.moved.notify_one();
        }
        Ok(redis::from_redis_value(answer?)?)
    }
}

/// What an error says about the message.
fn refusal(error: &RedisError) -> PublishError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "any other kind is an answer, and its text says what is wrong"
    )]
    match error.kind() {
        _ if error.is_timeout() => PublishError::TimedOut,
        ErrorKind::Io => PublishError::Lost,
        ErrorKind::ClusterConnectionNotFound
        | ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::Moved
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::TryAgain,
        ) => PublishError::Unreachable,
        _ => PublishError::Refused(said(error)),
    }
}

fn strange() -> PublishError {
    PublishError::Refused("it answered something that is not understood".into())
}
