//! What the bus brought under a channel: whether it is a message, and which.
//!
//! Not here: who gets it (`hub`).

use std::str;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use switchyard_bus::MessageId;
use switchyard_config as config;
use switchyard_relay::{Message, SessionId};
use switchyard_telemetry::PushMetrics;
use switchyard_telemetry::labels::NotDelivered;

use crate::duplicates::Duplicates;
use crate::envelope::Envelope;
use crate::history::keep;
use crate::name::ReplicaId;

const MINUTE: Duration = Duration::from_mins(1);

/// See the module.
pub struct Intake {
    replica: ReplicaId,
    metrics: PushMetrics,
    duplicates: Duplicates,
    /// When the log was last told of a message that is none.
    complained: Mutex<Option<Instant>>,
}

/// A message that is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What it says; UTF-8 unless it is binary.
    pub payload: Bytes,
    /// What kind of message it is.
    pub is_binary: bool,
    /// The session of this replica that does not get it.
    pub exclude: Option<SessionId>,
    /// Its place among those of its channel, where these are kept.
    pub seq: Option<MessageId>,
    /// What its publisher calls it.
    pub name: Option<Box<str>>,
}

impl Intake {
    /// That of a replica.
    #[must_use]
    pub fn new(replica: ReplicaId, metrics: PushMetrics) -> Self {
        Self {
            replica,
            metrics,
            duplicates: Duplicates::new(),
            complained: Mutex::default(),
        }
    }

    /// The message that came under a channel, and the id that the bus says it has, if it is one and is to be delivered. If
    /// not, it is counted. What comes again in the place that it had is no duplicate: it may not have been handed on.
    pub fn take(
        &self,
        channel: &str,
        (bytes, id): (&Bytes, Option<MessageId>),
        settings: &config::Push,
        now: Instant,
    ) -> Option<Taken> {
        match self.first(channel, (bytes, id), settings, now) {
            Ok(taken) => Some(taken),
            Err(why) => {
                self.metrics.dropped(why, 1);
                self.complain(channel, why, bytes.len(), now);
                None
            }
        }
    }

    /// Says in the log what a publisher did wrong, once a minute: there may be any number of it.
    fn complain(&self, channel: &str, why: NotDelivered, bytes: usize, now: Instant) {
        if !matches!(why, NotDelivered::Malformed | NotDelivered::TooLarge) {
            return;
        }
        let mut complained = self
            .complained
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_due = complained.is_none_or(|last| now.saturating_duration_since(last) >= MINUTE);
        if is_due {
            *complained = Some(now);
            let reason = why.as_str();
            tracing::warn!(
                channel,
                reason,
                bytes,
                "what was published is no message: it is dropped"
            );
        }
    }

    fn first(
        &self,
        channel: &str,
        (bytes, id): (&Bytes, Option<MessageId>),
        settings: &config::Push,
        now: Instant,
    ) -> Result<Taken, NotDelivered> {
        let mut taken = self.open(bytes, settings)?;
        // Where nothing is kept, a place means nothing, whoever wrote it.
        let seq = id.or(taken.seq);
        taken.seq = seq.filter(|_| keep(settings, channel).is_some());
        if let Some(name) = &taken.name
            && !self
                .duplicates
                .is_new((channel, name), taken.seq, now, settings.remember_ids)
        {
            return Err(NotDelivered::Duplicate);
        }
        Ok(taken)
    }

    /// A message, whether it was there before or not.
    pub(crate) fn open(
        &self,
        bytes: &Bytes,
        settings: &config::Push,
    ) -> Result<Taken, NotDelivered> {
        let (envelope, payload) =
            Envelope::open(bytes).map_err(|_malformed| NotDelivered::Malformed)?;
        if payload.len() > settings.max_message {
            return Err(NotDelivered::TooLarge);
        }
        let exclude = envelope.exclude.filter(|it| it.replica == self.replica);
        Ok(Taken {
            payload,
            is_binary: envelope.is_binary,
            exclude: exclude.map(|name| name.id),
            seq: envelope.seq,
            name: envelope.id,
        })
    }
}

impl Taken {
    /// The message as clients get it, that came then.
    #[must_use]
    pub fn message(&self, came: Instant) -> Message {
        match str::from_utf8(&self.payload) {
            Ok(text) if !self.is_binary => Message::text(text, came),
            _ => Message::binary(&self.payload, came),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{metrics, settings};

    const REPLICA: ReplicaId = ReplicaId::of(7);

    #[test]
    fn what_is_not_to_be_delivered_is_counted() {
        let (all, push) = metrics();
        let (intake, now) = (Intake::new(REPLICA, push), Instant::now());
        let settings = config::Push {
            max_message: 5,
            remember_ids: Duration::from_mins(1),
            ..settings()
        };
        let take = |text: &'static str, now| {
            let taken = intake.take(
                "a",
                (&Bytes::from_static(text.as_bytes()), None),
                &settings,
                now,
            );
            taken.map(|taken| taken.payload)
        };
        assert_eq!(take("hello", now).as_deref(), Some(&b"hello"[..]));
        assert_eq!(take("too long", now), None);
        assert_eq!(take("SWITCHYARD/9 hello", now), None);
        let called = "SWITCHYARD/1 {\"id\":\"1\"}\nhello";
        assert_eq!(take(called, now).as_deref(), Some(&b"hello"[..]));
        assert_eq!(take(called, now), None);
        assert!(take(called, now + settings.remember_ids).is_some());
        let text = all.render().expect("renders");
        for reason in ["too_large", "malformed", "duplicate"] {
            let sample =
                format!("switchyard_push_dropped_total{{bus=\"memory\",reason=\"{reason}\"}} 1");
            assert!(text.lines().any(|line| line == sample), "{sample}");
        }
    }

    #[test]
    fn what_comes_again_in_its_place_is_no_duplicate() {
        let (intake, now) = (Intake::new(REPLICA, metrics().1), Instant::now());
        let settings = config::Push {
            history: vec![config::History {
                prefix: "room".into(),
                messages: 9,
                age: Duration::from_mins(1),
            }],
            ..settings()
        };
        let bytes = Bytes::from_static(b"SWITCHYARD/1 {\"id\":\"1\"}\nhello");
        let is_taken = |channel, minor| {
            let id = Some(MessageId { major: 0, minor });
            let taken = intake.take(channel, (&bytes, id), &settings, now);
            taken.is_some()
        };
        assert!(is_taken("room", 7) && is_taken("room", 7));
        assert!(!is_taken("room", 8) && !is_taken("room", 6));
        // Nothing is kept.
        assert!(is_taken("a", 7) && !is_taken("a", 7));
    }

    #[test]
    fn a_session_is_left_out_where_it_is() {
        let intake = Intake::new(REPLICA, metrics().1);
        let exclude = |name: &str| {
            let bytes = format!("SWITCHYARD/1 {{\"exclude\":\"{name}\"}}\nx").into();
            let taken = intake.take("a", (&bytes, None), &settings(), Instant::now());
            taken.expect("a message").exclude
        };
        assert_eq!(exclude("000000000007-17"), Some(SessionId::of(17)));
        assert_eq!(exclude("000000000008-17"), None);
    }

    #[test]
    fn a_message_is_what_it_is_said_to_be() {
        let taken = |payload: &'static [u8], is_binary| Taken {
            payload: Bytes::from_static(payload),
            is_binary,
            exclude: None,
            seq: None,
            name: None,
        };
        let first = |taken: Taken| taken.message(Instant::now()).frame()[0];
        assert_eq!(first(taken(b"a", false)), 0x81);
        assert_eq!(first(taken(b"a", true)), 0x82);
        assert_eq!(first(taken(b"\xff", false)), 0x82);
    }
}
