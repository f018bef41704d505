//! What replicas say to one another, as JSON: one object a message.
//!
//! Each has `v`, the version of this language; `from` and `process`, who says it; and `kind`. Keys that are not known are
//! ignored, so that a later release can say more in the same version.

mod as_base64;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchyard_drain::Load;

use crate::name::ReplicaId;

/// The version of the language.
const VERSION: u32 = 1;

/// One process of a replica: where one takes over from another, both go by the same name for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Member {
    /// The replica.
    pub replica: ReplicaId,
    /// Drawn by each process.
    pub process: u32,
}

/// How a replica is, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Standing {
    /// How many sessions it has.
    pub sessions: u64,
    /// What it has to do in its drains.
    pub load: Load,
}

/// What one replica has another do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Send a session a message.
    Send {
        /// Its number there.
        session: u64,
        /// Whether it is a binary one.
        #[serde(default)]
        binary: bool,
        /// The payload.
        #[serde(with = "as_base64")]
        data: Bytes,
    },
    /// Ask a session to go.
    Close {
        /// Its number there.
        session: u64,
        /// The code of the Close.
        code: u16,
        /// The reason in it.
        reason: String,
    },
    /// Subscribe a session to a channel.
    Subscribe {
        /// Its number there.
        session: u64,
        /// The name.
        channel: String,
    },
    /// The opposite.
    Unsubscribe {
        /// Its number there.
        session: u64,
        /// The name.
        channel: String,
    },
    /// Say how many sessions are subscribed to a channel.
    Count {
        /// The name.
        channel: String,
    },
    /// Say how a session stands.
    Show {
        /// Its number there.
        session: u64,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It was done.
    Done,
    /// There is no such session here.
    Gone,
    /// The session's queue is full.
    Full,
    /// It was not done, and why.
    Refused {
        /// For people.
        why: String,
    },
    /// So many.
    Count {
        /// How many sessions are subscribed here.
        sessions: u64,
    },
    /// How it stands.
    Shown {
        /// As the admin API shows it.
        session: Value,
    },
    /// The replica does not know what was asked: it is of another release.
    Unknown,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// How the replica is; `nth` since it started.
    Beat { nth: u64, standing: Standing },
    /// It goes.
    Bye { nth: u64 },
    /// It asks something. `None`: something that is not known here.
    Ask { id: u64, ask: Option<Ask> },
    /// It answers what was asked under this number.
    Answer { id: u64, answer: Answer },
}

/// Why a message says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// It cannot be read.
    Broken,
    /// It is of another version, or of a kind that is not known here.
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct Head<Kind> {
    v: u32,
    from: String,
    process: u32,
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
struct Beat {
    nth: u64,
    #[serde(default)]
    sessions: u64,
    #[serde(default)]
    left: u64,
    #[serde(default)]
    rate: f64,
}

#[derive(Serialize, Deserialize)]
struct Bye {
    nth: u64,
}

#[derive(Serialize, Deserialize)]
struct Numbered {
    id: u64,
}

/// Two parts of one object.
#[derive(Serialize)]
struct Both<One, Other> {
    #[serde(flatten)]
    one: One,
    #[serde(flatten)]
    other: Other,
}

/// Writes a message.
pub(super) fn write(from: Member, word: &Word) -> Bytes {
    match word {
        Word::Beat { nth, standing } => {
            let beat = Beat {
                nth: *nth,
                sessions: standing.sessions,
                left: standing.load.left,
                rate: finite(standing.load.rate),
            };
            object(from, "beat", beat)
        }
        Word::Bye { nth } => object(from, "bye", Bye { nth: *nth }),
        Word::Ask { id, ask } => object(from, "ask", numbered(*id, ask)),
        Word::Answer { id, answer } => object(from, "answer", numbered(*id, answer)),
    }
}

/// Reads one.
pub(super) fn read(payload: &[u8]) -> Result<(Member, Word), Unheard> {
    let head: Head<String> = parsed(payload)?;
    if head.v != VERSION {
        return Err(Unheard::Unknown);
    }
    let replica = head.from.parse().map_err(|_no_name| Unheard::Broken)?;
    let from = Member {
        replica,
        process: head.process,
    };
    let word = match &*head.kind {
        "beat" => standing(&parsed(payload)?),
        "bye" => Word::Bye {
            nth: parsed::<Bye>(payload)?.nth,
        },
        "ask" => asked(payload)?,
        "answer" => Word::Answer {
            id: parsed::<Numbered>(payload)?.id,
            answer: parsed(payload)?,
        },
        _ => return Err(Unheard::Unknown),
    };
    Ok((from, word))
}

fn standing(beat: &Beat) -> Word {
    let load = Load {
        left: beat.left,
        rate: finite(beat.rate),
    };
    Word::Beat {
        nth: beat.nth,
        standing: Standing {
            sessions: beat.sessions,
            load,
        },
    }
}

/// What is not known here is answered, so that nobody waits for it.
fn asked(payload: &[u8]) -> Result<Word, Unheard> {
    #[derive(Deserialize)]
    struct What {
        id: u64,
        ask: String,
    }
    const KNOWN: [&str; 6] = ["send", "close", "subscribe", "unsubscribe", "count", "show"];
    let What { id, ask } = parsed(payload)?;
    let is_known = KNOWN.contains(&&*ask);
    let ask = is_known.then(|| parsed(payload)).transpose()?;
    Ok(Word::Ask { id, ask })
}

fn numbered<What>(id: u64, what: What) -> Both<Numbered, What> {
    Both {
        one: Numbered { id },
        other: what,
    }
}

fn object(from: Member, kind: &str, what: impl Serialize) -> Bytes {
    let head = Head {
        v: VERSION,
        from: from.replica.to_string(),
        process: from.process,
        kind,
    };
    let both = Both {
        one: head,
        other: what,
    };
    // Nothing in it can fail: no map with other keys than text, no writer but memory.
    serde_json::to_vec(&both).unwrap_or_default().into()
}

fn parsed<'a, Part: Deserialize<'a>>(payload: &'a [u8]) -> Result<Part, Unheard> {
    serde_json::from_slice(payload).map_err(|_broken| Unheard::Broken)
}

/// JSON has no others.
fn finite(rate: f64) -> f64 {
    if rate.is_finite() { rate } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Member = Member {
        replica: ReplicaId::of(0x3f9c_01aa_22bb),
        process: 7,
    };

    fn words() -> Vec<Word> {
        let standing = Standing {
            sessions: 9,
            load: Load { left: 3, rate: 1.5 },
        };
        let channel = || "room:42".to_owned();
        let asks = [
            Ask::Send {
                session: 17,
                binary: true,
                data: Bytes::from_static(b"\0\xff"),
            },
            Ask::Close {
                session: 17,
                code: 4001,
                reason: "see you".to_owned(),
            },
            Ask::Subscribe {
                session: 17,
                channel: channel(),
            },
            Ask::Unsubscribe {
                session: 17,
                channel: channel(),
            },
            Ask::Count { channel: channel() },
            Ask::Show { session: 17 },
        ];
        let answers = [
            Answer::Done,
            Answer::Gone,
            Answer::Full,
            Answer::Refused {
                why: "it has too many".to_owned(),
            },
            Answer::Count { sessions: 4 },
            Answer::Shown {
                session: serde_json::json!({ "id": 17, "live": null }),
            },
            Answer::Unknown,
        ];
        let beats = [Word::Beat { nth: 4, standing }, Word::Bye { nth: 5 }];
        let asks = asks.map(|ask| Word::Ask {
            id: u64::MAX,
            ask: Some(ask),
        });
        let answers = answers.map(|answer| Word::Answer { id: 1, answer });
        beats.into_iter().chain(asks).chain(answers).collect()
    }

    #[test]
    fn a_message_is_read_as_it_is_written() {
        for word in words() {
            let text = write(ME, &word);
            assert_eq!(read(&text), Ok((ME, word)), "{text:?}");
        }
    }

    #[test]
    fn the_language_stays_as_it_is() {
        let ask = Word::Ask {
            id: 1,
            ask: Some(Ask::Send {
                session: 17,
                binary: false,
                data: Bytes::from_static(b"hello"),
            }),
        };
        let text = r#"{"v":1,"from":"3f9c01aa22bb","process":7,"kind":"ask","id":1,"ask":"send","session":17,"binary":false,"data":"aGVsbG8="}"#;
        assert_eq!(write(ME, &ask), text);
        let beat = r#"{"v":1,"from":"3f9c01aa22bb","process":7,"kind":"beat","nth":1,"later":[]}"#;
        let word = Word::Beat {
            nth: 1,
            standing: Standing::default(),
        };
        assert_eq!(read(beat.as_bytes()), Ok((ME, word)));
    }

    #[test]
    fn what_is_not_known_is_told_from_what_is_broken() {
        let head = r#""v":1,"from":"3f9c01aa22bb","process":7"#;
        for (text, expected) in [
            (format!(r#"{{{head},"kind":"dance"}}"#), Unheard::Unknown),
            (
                r#"{"v":2,"from":"?","process":7,"kind":"beat"}"#.into(),
                Unheard::Unknown,
            ),
            (format!(r#"{{{head},"kind":"beat"}}"#), Unheard::Broken),
            (
                format!(r#"{{{head},"kind":"bye","nth":-1}}"#),
                Unheard::Broken,
            ),
            (
                format!(r#"{{{head},"kind":"ask","id":1}}"#),
                Unheard::Broken,
            ),
            (
                format!(r#"{{{head},"kind":"ask","id":1,"ask":"send"}}"#),
                Unheard::Broken,
            ),
            (
                format!(r#"{{{head},"kind":"ask","id":1,"ask":"send","session":1,"data":"*"}}"#),
                Unheard::Broken,
            ),
            (
                r#"{"v":1,"from":"me","process":7,"kind":"bye","nth":1}"#.into(),
                Unheard::Broken,
            ),
            ("hello".into(), Unheard::Broken),
            ("[".repeat(100_000), Unheard::Broken),
            (String::new(), Unheard::Broken),
        ] {
            assert_eq!(read(text.as_bytes()), Err(expected), "{text:.80}");
        }
        let asked = format!(r#"{{{head},"kind":"ask","id":8,"ask":"dance"}}"#);
        let word = Word::Ask { id: 8, ask: None };
        assert_eq!(read(asked.as_bytes()), Ok((ME, word)));
    }
}
