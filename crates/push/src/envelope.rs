//! What goes over the bus for a message: its payload as it is, or a line that says something of it and then the payload.
//!
//! Whoever publishes natively, in Redis or NATS, writes the same. docs/push.md has it for them.
//!
//! Not here: what a gateway does with it (`intake`).

use std::str;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchyard_bus::MessageId;

use crate::name::SessionName;

/// What an envelope begins with, of whatever version; so that one of a later version is not taken for a message.
const FAMILY: &[u8] = b"SWITCHYARD/";

/// What an envelope that is understood begins with.
const VERSION: &[u8] = b"SWITCHYARD/1 ";

/// The longest first line.
const MAX_LINE: usize = 4096;

/// The longest id.
const MAX_ID: usize = 128;

/// What is said of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Whether it is a binary message though it could be a text.
    pub is_binary: bool,
    /// The one session that does not get it.
    pub exclude: Option<SessionName>,
    /// What it is called, so that it is delivered once: 1 to 128 bytes.
    pub id: Option<Box<str>>,
    /// Its place among those of its channel, where these are kept.
    pub seq: Option<MessageId>,
}

/// It begins like an envelope and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an envelope: it begins with `SWITCHYARD/1 `, a line of JSON of up to 4096 bytes, and the payload"
)]
pub struct Malformed;

/// The line's JSON. Of what is not known nothing is made.
#[derive(Deserialize, Serialize)]
struct Line<'a> {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    binary: bool,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    exclude: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    id: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    seq: Option<std::borrow::Cow<'a, str>>,
}

impl Envelope {
    /// What the bus brought: what is said of it, and the payload.
    ///
    /// # Errors
    /// It begins like an envelope and is none.
    pub fn open(bytes: &Bytes) -> Result<(Self, Bytes), Malformed> {
        let (mut envelope, payload) = if bytes.starts_with(FAMILY) {
            Self::split(bytes)?
        } else {
            (Self::default(), bytes.clone())
        };
        envelope.is_binary |= str::from_utf8(&payload).is_err();
        Ok((envelope, payload))
    }

    /// What goes over the bus: the payload alone where that says everything.
    ///
    /// # Errors
    /// The id is empty or too long.
    pub fn seal(&self, payload: &[u8]) -> Result<Bytes, Malformed> {
        if self.id.as_ref().is_some_and(|id| !is_id(id)) {
            return Err(Malformed);
        }
        let line = Line {
            binary: self.is_binary && str::from_utf8(payload).is_ok(),
            exclude: self.exclude.map(|name| name.to_string().into()),
            id: self.id.as_deref().map(Into::into),
            seq: self.seq.map(|seq| seq.to_string().into()),
        };
        if line.is_empty() && !payload.starts_with(FAMILY) {
            return Ok(Bytes::copy_from_slice(payload));
        }
        let json = serde_json::to_vec(&line).map_err(|_unwritable| Malformed)?;
        Ok([VERSION, &json, b"\n", payload].concat().into())
    }

    fn split(bytes: &Bytes) -> Result<(Self, Bytes), Malformed> {
        let said = bytes.strip_prefix(VERSION).ok_or(Malformed)?;
        let within = said.get(..MAX_LINE).unwrap_or(said);
        let end = within.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or(Malformed)?;
        // A list would do for serde.
        let line = said.get(..end).filter(|line| line.starts_with(b"{"));
        let line = line.ok_or(Malformed)?;
        let line = serde_json::from_slice::<Line<'_>>(line).map_err(|_unreadable| Malformed)?;
        Ok((line.read()?, bytes.slice(VERSION.len() + end + 1..)))
    }
}

impl Line<'_> {
    fn is_empty(&self) -> bool {
        !self.binary && self.exclude.is_none() && self.id.is_none() && self.seq.is_none()
    }

    fn read(self) -> Result<Envelope, Malformed> {
        let exclude = self.exclude.map(|name| name.parse()).transpose();
        let seq = self.seq.map(|seq| seq.parse()).transpose();
        if self.id.as_ref().is_some_and(|id| !is_id(id)) {
            return Err(Malformed);
        }
        Ok(Envelope {
            is_binary: self.binary,
            exclude: exclude.map_err(|_no_name| Malformed)?,
            id: self.id.map(Into::into),
            seq: seq.map_err(|_no_id| Malformed)?,
        })
    }
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
}

#[cfg(test)]
mod tests {
    use proptest::option::of;
    use proptest::prelude::*;
    use switchyard_relay::SessionId;

    use super::*;
    use crate::name::ReplicaId;

    fn open(bytes: &[u8]) -> Result<(Envelope, Bytes), Malformed> {
        Envelope::open(&Bytes::copy_from_slice(bytes))
    }

    #[test]
    fn a_payload_alone_is_text_if_it_can_be() {
        let (envelope, payload) = open(b"hello").expect("a message");
        assert_eq!(
            (envelope, &payload[..]),
            (Envelope::default(), &b"hello"[..])
        );
        let (envelope, _) = open(b"\xff").expect("a message");
        assert!(envelope.is_binary);
        let (_, nothing) = open(b"").expect("a message");
        assert!(nothing.is_empty());
    }

    #[test]
    fn an_envelope_says_more() {
        let line = br#"SWITCHYARD/1 {"binary":true,"exclude":"3f9c01aa22bb-17","id":"\u00e9","seq":"5-2","later":[1]}"#;
        let (envelope, payload) = open(&[line, &b"\na\nb"[..]].concat()).expect("an envelope");
        assert_eq!(&payload[..], b"a\nb");
        let expected = Envelope {
            is_binary: true,
            exclude: Some("3f9c01aa22bb-17".parse().expect("a name")),
            id: Some("é".into()),
            seq: Some("5-2".parse().expect("an id")),
        };
        assert_eq!(envelope, expected);
        assert!(open(b"SWITCHYARD/1 {}\n").is_ok());
    }

    #[test]
    fn what_begins_like_one_and_is_none_goes_no_further() {
        let long = format!("SWITCHYARD/1 {{\"id\":\"{}\"}}\nx", "x".repeat(MAX_ID + 1));
        let line = format!("SWITCHYARD/1 {{}}{}\nx", " ".repeat(MAX_LINE));
        let deep = format!("SWITCHYARD/1 {{\"x\":{}\nx", "[".repeat(4000));
        for bytes in [
            "SWITCHYARD/",
            "SWITCHYARD/1",
            "SWITCHYARD/1 {}",
            "SWITCHYARD/2 {}\nx",
            "SWITCHYARD/1 {\nx",
            "SWITCHYARD/1 []\nx",
            "SWITCHYARD/1 {\"id\":\"\"}\nx",
            "SWITCHYARD/1 {\"id\":7}\nx",
            "SWITCHYARD/1 {\"id\":\"a\",\"id\":\"b\"}\nx",
            "SWITCHYARD/1 {\"exclude\":\"17\"}\nx",
            "SWITCHYARD/1 {\"seq\":\"17\"}\nx",
            &long,
            &line,
            &deep,
        ] {
            assert_eq!(open(bytes.as_bytes()), Err(Malformed), "{bytes}");
        }
    }

    #[test]
    fn an_id_that_nobody_would_read_is_not_written() {
        for id in ["", &"x".repeat(MAX_ID + 1)] {
            let envelope = Envelope {
                id: Some(id.into()),
                ..Envelope::default()
            };
            assert_eq!(envelope.seal(b"x"), Err(Malformed));
        }
    }

    fn envelope() -> impl Strategy<Value = Envelope> {
        let name = any::<(u64, u64)>().prop_map(|(replica, id)| SessionName {
            replica: ReplicaId::of(replica),
            id: SessionId::of(id),
        });
        let seq = any::<(u64, u64)>().prop_map(|(major, minor)| MessageId { major, minor });
        let id = "\\PC{1,30}|[\u{0}-\u{1f}]{1,20}".prop_map(String::into_boxed_str);
        (any::<bool>(), of(name), of(id), of(seq)).prop_map(|(is_binary, exclude, id, seq)| {
            Envelope {
                is_binary,
                exclude,
                id,
                seq,
            }
        })
    }

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<Vec<u8>>(),
            ".*".prop_map(String::into_bytes),
            ".*".prop_map(|rest| ["SWITCHYARD/", &rest].concat().into_bytes()),
            ".*".prop_map(|rest| ["SWITCHYARD/1 {}\n", &rest].concat().into_bytes()),
        ]
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened_again(mut envelope in envelope(), payload in payload()) {
            let sealed = envelope.seal(&payload).expect("short ids");
            let (opened, rest) = Envelope::open(&sealed).expect("an envelope");
            envelope.is_binary |= str::from_utf8(&payload).is_err();
            prop_assert_eq!(opened, envelope);
            prop_assert_eq!(&rest[..], &payload[..]);
        }

        #[test]
        fn nothing_is_too_odd_to_be_looked_at(
            begins in any::<bool>(),
            json in "[\\[{}\":,a-z0-9\\\\ ]{0,60}",
            payload in any::<Vec<u8>>(),
        ) {
            let head = if begins { VERSION } else { b"" };
            let bytes = [head, json.as_bytes(), b"\n", &payload].concat();
            if let Ok((envelope, payload)) = open(&bytes) {
                prop_assert!(bytes.ends_with(&payload));
                prop_assert!(envelope.is_binary || str::from_utf8(&payload).is_ok());
            }
        }
    }
}
