//! The stream that keeps messages.
//!
//! There is one for all channels: a stream's subjects can be told apart by whole words only, and the prefixes of channels
//! are no words. So it keeps as much as the channel that keeps most, and what is too old or too many for another is left
//! out when it is read. It is made when it is first needed, and given more where it keeps too little; never less, since
//! another replica may have another configuration, and the rest of it is the operator's: replicas, placement, storage.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, Info, Republish, Stream as Handle};
use async_nats::jetstream::{Context, ErrorCode};

use super::super::link::refused;
use super::super::subjects::Subjects;
use crate::error::PublishError;
use crate::history::Keep;

/// The stream, as one connection knows it.
pub(super) struct Stream {
    context: Context,
    name: String,
    source: String,
    destination: String,
    known: Mutex<Option<Known>>,
}

/// A stream that is there.
#[derive(Clone)]
struct Known {
    handle: Arc<Handle<Info>>,
    keeps: Keep,
}

impl Stream {
    pub(super) fn new(context: Context, subjects: &Subjects) -> Self {
        let (source, destination) = subjects.republishing();
        Self {
            context,
            name: subjects.stream(),
            source,
            destination,
            known: Mutex::new(None),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It, keeping at least so much.
    pub(super) async fn keeping(&self, keep: Keep) -> Result<Arc<Handle<Info>>, PublishError> {
        let known = self.known().clone();
        if let Some(known) = known
            && known.keeps.messages >= keep.messages
            && known.keeps.age >= keep.age
        {
            return Ok(known.handle);
        }
        let made = match self.make(keep).await {
            // Another replica was quicker, and wanted something else.
            Err(error) if is_taken(&error) => self.make(keep).await,
            made => made,
        };
        let handle = Arc::new(made.map_err(|error| self.fault(&error))?);
        let keeps = kept(&handle.cached_info().config);
        let known = Known {
            handle: Arc::clone(&handle),
            keeps,
        };
        *self.known() = Some(known);
        Ok(handle)
    }

    /// It may have been changed, or removed.
    pub(super) fn forget(&self) {
        *self.known() = None;
    }

    async fn make(&self, keep: Keep) -> Result<Handle<Info>, CreateStreamError> {
        let mut wanted = Config {
            name: self.name.clone(),
            description: Some("what Switchyard keeps of its channels".to_owned()),
            ..Config::default()
        };
        self.widen(&mut wanted, keep);
        let handle = self.context.get_or_create_stream(wanted).await?;
        let there = &handle.cached_info().config;
        let mut wider = there.clone();
        self.widen(&mut wider, keep);
        if wider == *there {
            return Ok(handle);
        }
        self.context.update_stream(wider).await?;
        let again = self.context.get_stream(&self.name).await;
        again
            .map_err(|error| CreateStreamError::with_source(CreateStreamErrorKind::Response, error))
    }

    /// Sets what is ours, and leaves the rest. One message more is kept than is read: where there are more than are read,
    /// some were left out; where there are not, none ever were.
    fn widen(&self, config: &mut Config, keep: Keep) {
        let is_new = config.subjects.is_empty();
        let messages =
            i64::try_from(keep.messages).map_or(i64::MAX, |messages| messages.saturating_add(1));
        // None of its own means without a limit.
        if is_new || (1..messages).contains(&config.max_messages_per_subject) {
            config.max_messages_per_subject = messages;
        }
        if is_new || (Duration::from_nanos(1)..keep.age).contains(&config.max_age) {
            config.max_age = keep.age;
        }
        if !config.subjects.contains(&self.source) {
            config.subjects.push(self.source.clone());
        }
        config.republish = Some(Republish {
            source: self.source.clone(),
            destination: self.destination.clone(),
            headers_only: false,
        });
    }

    fn fault(&self, error: &CreateStreamError) -> PublishError {
        let is_missing = match error.kind() {
            CreateStreamErrorKind::JetStreamUnavailable => true,
            CreateStreamErrorKind::JetStream(error) => [
                ErrorCode::JETSTREAM_NOT_ENABLED,
                ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT,
            ]
            .contains(&error.error_code()),
            CreateStreamErrorKind::TimedOut => return PublishError::TimedOut,
            CreateStreamErrorKind::EmptyStreamName
            | CreateStreamErrorKind::InvalidStreamName
            | CreateStreamErrorKind::DomainAndExternalSet
            | CreateStreamErrorKind::Response
            | CreateStreamErrorKind::NotFound
            | CreateStreamErrorKind::ResponseParse => false,
        };
        if is_missing {
            let fault = "channels with history need JetStream, and this NATS server, or this account of it, has none";
            return refused(&fault);
        }
        refused(&format_args!("the stream {}: {error}", self.name))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_taken(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NAME_EXIST)
}

/// What is read of a stream at most.
fn kept(config: &Config) -> Keep {
    let messages = match config.max_messages_per_subject {
        limit @ 1.. => usize::try_from(limit - 1).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let age = match config.max_age {
        Duration::ZERO => Duration::MAX,
        age => age,
    };
    Keep { messages, age }
}
