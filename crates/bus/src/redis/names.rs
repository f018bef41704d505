//! How subjects are written in Redis, and where a channel's history is.

use crate::error::PublishError;
use crate::subject::Subject;

use super::slots;

/// How subjects are written in Redis.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: Box<str>,
    dialect: Dialect,
}

/// Which publish and subscribe it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// That of one server.
    Plain,
    /// That of a cluster: a channel belongs to a server, as a key does.
    Sharded,
}

impl Dialect {
    pub(super) fn publish(self) -> &'static str {
        match self {
            Self::Plain => "PUBLISH",
            Self::Sharded => "SPUBLISH",
        }
    }
}

impl Names {
    pub(super) fn new(prefix: &str, dialect: Dialect) -> Self {
        Self {
            prefix: prefix.into(),
            dialect,
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The Redis channel of a subject.
    pub(super) fn channel(&self, subject: &Subject) -> String {
        let prefix = &self.prefix;
        match subject {
            Subject::Channel(name) => format!("{prefix}channel:{name}"),
            Subject::Replicas => format!("{prefix}replicas"),
            Subject::Replica(id) => format!("{prefix}replica:{id}"),
            Subject::Events => format!("{prefix}events"),
        }
    }

    /// The subject of a Redis channel; `None`: it is none of ours.
    pub(super) fn subject(&self, channel: &[u8]) -> Option<Subject> {
        let channel = std::str::from_utf8(channel).ok()?;
        let name = channel.strip_prefix(&*self.prefix)?;
        match name.split_once(':') {
            Some(("channel", name)) => Some(Subject::Channel(name.into())),
            Some(("replica", id)) => Some(Subject::Replica(id.into())),
            None if name == "replicas" => Some(Subject::Replicas),
            _ => None,
        }
    }

    /// The key of what a channel keeps. In a cluster it belongs to the same server as the channel, so it has that in
    /// its hash tag: `switchyard:history:{switchyard:channel:NAME}`, unless the name brings a tag of its own.
    pub(super) fn history(&self, channel: &str) -> Result<String, PublishError> {
        let prefix = &self.prefix;
        let plain = format!("{prefix}history:{channel}");
        if self.dialect == Dialect::Plain {
            return Ok(plain);
        }
        let live = format!("{prefix}channel:{channel}");
        let tagged = format!("{prefix}history:{{{live}}}");
        let is_beside = |key: &String| slots::of_key(key) == slots::of_key(&live);
        [plain, tagged].into_iter().find(is_beside).ok_or_else(|| {
            PublishError::Refused(format!(
                "nothing can be kept of `{channel}` in a cluster: with these braces in its name no key belongs to \
                 the server of the channel"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_found_again() {
        let names = Names::new("switchyard:", Dialect::Plain);
        for (subject, text) in [
            (Subject::Channel("a:b".into()), "switchyard:channel:a:b"),
            (Subject::Replicas, "switchyard:replicas"),
            (Subject::Replica("a1".into()), "switchyard:replica:a1"),
        ] {
            assert_eq!(names.channel(&subject), text);
            assert_eq!(names.subject(text.as_bytes()), Some(subject));
        }
        for foreign in ["other:channel:a", "switchyard:events", "switchyard:else:a"] {
            assert_eq!(names.subject(foreign.as_bytes()), None);
        }
        assert_eq!(names.subject(b"switchyard:channel:\xff"), None);
    }

    #[test]
    fn history_lies_beside_its_channel() {
        let names = Names::new("switchyard:", Dialect::Sharded);
        let key = |name: &str| names.history(name).expect("a key");
        assert_eq!(key("a"), "switchyard:history:{switchyard:channel:a}");
        assert_eq!(key("room:{7}"), "switchyard:history:room:{7}");
        assert_eq!(key("a{b"), "switchyard:history:{switchyard:channel:a{b}");
        for name in ["a", "room:{7}", "a{b", "{{x}}"] {
            let live = names.channel(&Subject::Channel(name.into()));
            assert_eq!(slots::of_key(&key(name)), slots::of_key(&live), "{name}");
        }
        assert!(matches!(
            names.history("a}b"),
            Err(PublishError::Refused(_))
        ));
        let plain = Names::new("switchyard:", Dialect::Plain);
        assert_eq!(plain.history("a}b"), Ok("switchyard:history:a}b".into()));
    }
}
