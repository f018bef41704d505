//! What of a channel came after an id.
//!
//! The stream numbers the messages of all channels, so those of one have numbers between which others lie, and the id that
//! a client has may be of another channel. All is asked of the server that leads the stream: others may be behind, and what
//! they do not know yet may have been received live already.

use std::time::{Duration, SystemTime};

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::{Info, LastRawMessageErrorKind, State, Stream};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::super::link::refused;
use super::id;
use crate::error::PublishError;
use crate::history::{Keep, MessageId, Missed};

/// The server forgets by itself what was meant to read, this long after.
const READER_LIVES: Duration = Duration::from_secs(10);

/// How long the server waits for what it has counted and dropped since: nothing else is waited for.
const END: Duration = Duration::from_millis(500);

/// What there was to read.
struct Read {
    messages: Vec<(MessageId, Bytes)>,
    /// Whether some before these are kept no more: they were too old or too many.
    is_cut: bool,
    has_more: bool,
    last: u64,
}

/// See [`Bus::since`](crate::Bus::since).
pub(super) async fn since(
    stream: &Stream<Info>,
    subject: &str,
    after: Option<MessageId>,
    most: usize,
    keep: Keep,
) -> Result<Missed, PublishError> {
    let Some(last) = last_of(stream, subject).await? else {
        return nothing_kept(stream, subject, after, most, keep).await;
    };
    match after.map(number) {
        None => Ok(none(false, last)),
        Some(after) if after == last => Ok(none(false, last)),
        // Of another channel, or of a stream that is not there any more.
        Some(after) if after > last => {
            let newest = state(stream).await?.last_sequence;
            Ok(if after > newest {
                none(true, last)
            } else {
                none(false, after)
            })
        }
        Some(after) => {
            let read = read(stream, subject, after, most, keep).await?;
            // What came last is there unless it became too old meanwhile.
            let is_cut = read.is_cut || (!read.has_more && read.last < last);
            let has_gap = is_cut || !is_within(&state(stream).await?, after);
            let reached = if read.has_more {
                read.last
            } else {
                read.last.max(last)
            };
            Ok(Missed {
                messages: read.messages,
                has_gap,
                has_more: read.has_more,
                last: id(reached),
            })
        }
    }
}

/// The channel has nothing, so what is published from now on is greater than all that the stream has had. That has to be
/// known from before it is certain that the channel has nothing.
async fn nothing_kept(
    stream: &Stream<Info>,
    subject: &str,
    after: Option<MessageId>,
    most: usize,
    keep: Keep,
) -> Result<Missed, PublishError> {
    let state = state(stream).await?;
    if last_of(stream, subject).await?.is_some() {
        return Box::pin(since(stream, subject, after, most, keep)).await;
    }
    let is_known = |after| is_within(&state, after) && after <= state.last_sequence;
    let has_gap = after.is_some_and(|after| !is_known(number(after)));
    Ok(none(has_gap, state.last_sequence))
}

/// Whether nothing that came after this has become too old: messages do in the order in which they came, whatever their
/// channel. Too many of a channel there were not, or they would have been seen: one more is kept than is read.
fn is_within(state: &State, after: u64) -> bool {
    state.first_sequence <= after.saturating_add(1)
}

async fn read(
    stream: &Stream<Info>,
    subject: &str,
    after: u64,
    most: usize,
    keep: Keep,
) -> Result<Read, PublishError> {
    let settings = pull::Config {
        filter_subject: subject.to_owned(),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: after.saturating_add(1),
        },
        ack_policy: AckPolicy::None,
        inactive_threshold: READER_LIVES,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    let reader = stream.create_consumer(settings).await;
    let reader = reader.map_err(|error| refused(&error))?;
    let pending = usize::try_from(reader.cached_info().num_pending).unwrap_or(usize::MAX);
    let surplus = pending.saturating_sub(keep.messages);
    let wanted = pending.min(surplus.saturating_add(most));
    let mut read = Read {
        messages: Vec::new(),
        is_cut: surplus > 0,
        has_more: wanted < pending,
        last: after,
    };
    let mut number_in_batch = 0;
    let mut batch = reader
        .batch()
        .max_messages(wanted)
        .expires(END)
        .messages()
        .await
        .map_err(|error| refused(&error))?;
    while let Some(message) = batch.next().await {
        let message = message.map_err(|error| refused(&error))?;
        let info = message.info().map_err(|error| refused(&error))?;
        let (number, is_fresh) = (
            info.stream_sequence,
            is_fresh(info.published.into(), keep.age),
        );
        number_in_batch += 1;
        let is_kept = is_fresh && number_in_batch > surplus;
        read.take(number, message.payload.clone(), is_kept);
    }
    // It ends by itself as well.
    _ = stream.delete_consumer(&reader.cached_info().name).await;
    Ok(read)
}

impl Read {
    fn take(&mut self, number: u64, payload: Bytes, is_kept: bool) {
        self.last = number;
        if is_kept {
            self.messages.push((id(number), payload));
        } else {
            self.is_cut = true;
        }
    }
}

/// A clock that is behind the server's makes nothing old.
fn is_fresh(published: SystemTime, age: Duration) -> bool {
    let elapsed = SystemTime::now().duration_since(published);
    !elapsed.is_ok_and(|elapsed| elapsed > age)
}

async fn last_of(stream: &Stream<Info>, subject: &str) -> Result<Option<u64>, PublishError> {
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(message) => Ok(Some(message.sequence)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(refused(&error)),
    }
}

async fn state(stream: &Stream<Info>) -> Result<State, PublishError> {
    let info = stream.get_info().await;
    Ok(info.map_err(|error| refused(&error))?.state)
}

/// One that is not of NATS comes after all.
fn number(id: MessageId) -> u64 {
    if id.major == 0 { id.minor } else { u64::MAX }
}

fn none(has_gap: bool, last: u64) -> Missed {
    Missed {
        messages: Vec::new(),
        has_gap,
        has_more: false,
        last: id(last),
    }
}
