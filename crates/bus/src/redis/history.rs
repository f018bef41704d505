//! What channels keep: a Redis stream each, written and read by two scripts, so that what is kept and what is published
//! have one order, and what is read is of one moment.

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind, Value};

use super::names::Names;
use super::sender::Redis;
use crate::history::{Keep, MessageId, Missed};
use crate::subject::Subject;

const PUBLISH: &str = include_str!("publish.lua");
const SINCE: &str = include_str!("since.lua");

/// What a message begins with that `publish.lua` published.
const SEQ: &[u8] = b"SWITCHYARD/1 {\"seq\":\"";

/// The scripts, and what they are known by.
pub(super) struct Scripts {
    publish: (&'static str, Script),
    since: (&'static str, Script),
}

/// A script with its arguments.
pub(super) struct Call<'a> {
    script: &'a (&'static str, Script),
    key: &'a str,
    arguments: Vec<Vec<u8>>,
}

/// What `since.lua` found.
#[derive(Debug)]
pub(super) struct Found {
    now: u64,
    oldest: u64,
    last: Option<MessageId>,
    previous: Option<MessageId>,
    has_after: bool,
    /// In order, one more than was asked for if there is.
    entries: Vec<(MessageId, Vec<u8>)>,
}

impl Default for Scripts {
    fn default() -> Self {
        let known = |text| (text, Script::new(text));
        Self {
            publish: known(PUBLISH),
            since: known(SINCE),
        }
    }
}

impl Scripts {
    /// Keeps a message and publishes it.
    pub(super) fn publish<'a>(
        &'a self,
        key: &'a str,
        names: &Names,
        channel: &str,
        payload: &[u8],
        keep: Keep,
    ) -> Call<'a> {
        let live = names.channel(&Subject::Channel(channel.into()));
        Call {
            script: &self.publish,
            key,
            arguments: vec![
                names.dialect().publish().into(),
                live.into(),
                payload.into(),
                keep.messages.to_string().into(),
                keep.age.as_millis().to_string().into(),
            ],
        }
    }

    /// Reads the oldest after an id: one more than `most`, to know whether there are more.
    pub(super) fn since<'a>(
        &'a self,
        key: &'a str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Call<'a> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        Call {
            script: &self.since,
            key,
            arguments: vec![
                after.into(),
                most.saturating_add(1).to_string().into(),
                keep.messages.to_string().into(),
                keep.age.as_millis().to_string().into(),
            ],
        }
    }
}

impl Call<'_> {
    /// Runs it, by its hash where the server knows that.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        redis: &Redis,
        key: &str,
    ) -> Result<T, RedisError> {
        let (text, script) = self.script;
        let known = redis
            .run(key, &self.command("EVALSHA", script.get_hash()))
            .await;
        match known {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                redis.run(key, &self.command("EVAL", text)).await
            }
            done => done,
        }
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(1).arg(self.key);
        command.arg(&self.arguments);
        command
    }
}

impl Found {
    /// Reads the script's answer.
    pub(super) fn parse(answer: Value) -> Option<Self> {
        type Entries = Vec<(String, Vec<(String, Vec<u8>)>)>;
        type Answer = (u64, u64, Option<String>, Option<String>, bool, Entries);
        let (now, oldest, last, previous, has_after, entries): Answer =
            redis::from_redis_value(answer).ok()?;
        let id = |text: Option<String>| text.map(|text| text.parse()).transpose().ok();
        let entry = |(id, fields): (String, Vec<(String, Vec<u8>)>)| {
            let payload = fields.into_iter().find(|(name, _)| name == "m");
            Some((id.parse().ok()?, payload?.1))
        };
        Some(Self {
            now,
            oldest,
            last: id(last)?,
            previous: id(previous)?,
            has_after,
            entries: entries.into_iter().map(entry).collect::<Option<_>>()?,
        })
    }

    /// The answer to whoever has everything up to `after`.
    pub(super) fn missed(self, after: Option<MessageId>, most: usize) -> Missed {
        let has_gap = after.is_some_and(|after| self.has_gap(after));
        let has_more = self.entries.len() > most;
        let last = self.last.unwrap_or_else(|| moment(self.now));
        let entries = self.entries.into_iter().take(most);
        let messages: Vec<_> = entries.map(|(id, text)| (id, text.into())).collect();
        let reached = messages.last().filter(|_| has_more);
        Missed {
            last: reached.map_or(last, |(id, _)| *id),
            messages,
            has_gap,
            has_more,
        }
    }

    fn has_gap(&self, after: MessageId) -> bool {
        let Some(last) = self.last else {
            // Nothing was published for as long as anything is kept; but a message that is younger was lost.
            return !is_moment(after) || after.major < self.oldest;
        };
        let previous = self.previous.unwrap_or(last);
        // An id that should be there and is not: the server has lost what it had.
        let is_lost = after != previous && !is_moment(after) && !self.has_after;
        after < previous || after > last || is_lost
    }
}

/// The id of a moment before which nothing was kept: greater than that of any message before it.
fn moment(now: u64) -> MessageId {
    MessageId {
        major: now.saturating_sub(1),
        minor: u64::MAX,
    }
}

fn is_moment(id: MessageId) -> bool {
    id.minor == u64::MAX
}

/// The id in a message that `publish.lua` published.
pub(super) fn id_in(payload: &[u8]) -> Option<MessageId> {
    let rest = payload.strip_prefix(SEQ)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(major: u64, minor: u64) -> MessageId {
        MessageId { major, minor }
    }

    fn found(last: Option<MessageId>, previous: Option<MessageId>, has_after: bool) -> Found {
        Found {
            now: 1000,
            oldest: 900,
            last,
            previous,
            has_after,
            entries: Vec::new(),
        }
    }

    #[test]
    fn an_id_is_known_to_be_complete_or_not() {
        let has_gap = |found: Found, after| found.has_gap(after);
        let kept = |has_after| found(Some(id(990, 0)), Some(id(950, 3)), has_after);
        assert!(!has_gap(kept(true), id(980, 0)));
        assert!(!has_gap(kept(false), id(950, 3)), "just dropped");
        assert!(has_gap(kept(false), id(950, 2)), "dropped with others");
        assert!(has_gap(kept(false), id(980, 0)), "lost");
        assert!(has_gap(kept(false), id(995, 0)), "never there");
        assert!(!has_gap(kept(false), moment(961)), "nothing was there");
        assert!(has_gap(kept(false), moment(941)));
        assert!(!has_gap(found(None, None, false), moment(950)));
        assert!(has_gap(found(None, None, false), moment(900)));
        assert!(has_gap(found(None, None, false), id(950, 0)), "lost");
        let emptied = || found(Some(id(890, 0)), None, false);
        assert!(!has_gap(emptied(), id(890, 0)));
        assert!(has_gap(emptied(), id(889, 0)));
    }

    #[test]
    fn an_id_is_read_where_the_script_writes_it() {
        assert_eq!(id_in(b"SWITCHYARD/1 {\"seq\":\"7-1\"}\nx"), Some(id(7, 1)));
        assert_eq!(
            id_in(b"SWITCHYARD/1 {\"seq\":\"7-1\",\"id\":\"a\"}\nx"),
            Some(id(7, 1))
        );
        assert_eq!(
            id_in(b"SWITCHYARD/1 {\"id\":\"a\",\"seq\":\"7-1\"}\nx"),
            None
        );
        assert_eq!(id_in(b"SWITCHYARD/1 {\"seq\":\"7"), None);
        assert_eq!(id_in(b"7-1"), None);
    }
}
