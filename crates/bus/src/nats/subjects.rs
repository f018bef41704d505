//! How everything is named in NATS.
//!
//! A channel's name is written into a subject as it is, but for what means something there: `*`, `>`, `%` and a dot that
//! has no text before it or none behind it are written as `%` and two hexadecimal digits, and so would be white space, which
//! no name has. Different names give different subjects, and native publishers can write those of most names without
//! knowing this.

use std::fmt::Write as _;

use arcstr::ArcStr;

use crate::subject::Subject;

/// The names of everything under one prefix.
#[derive(Debug)]
pub(super) struct Subjects {
    prefix: ArcStr,
    replica: ArcStr,
}

impl Subjects {
    /// `prefix` ends with a dot.
    pub(super) fn new(prefix: &ArcStr, replica: &str) -> Self {
        Self {
            prefix: prefix.clone(),
            replica: replica.into(),
        }
    }

    /// What is published and followed.
    pub(super) fn of(&self, subject: &Subject) -> String {
        let prefix = &self.prefix;
        match subject {
            Subject::Channel(name) => written(format!("{prefix}channel."), name),
            Subject::Replicas => format!("{prefix}replicas"),
            Subject::Replica(name) => written(format!("{prefix}replica."), name),
            Subject::Events => format!("{prefix}events"),
        }
    }

    /// Where a channel is published to if it keeps its messages.
    pub(super) fn history(&self, channel: &str) -> String {
        written(format!("{}history.", self.prefix), channel)
    }

    /// All of [`Self::history`], and how they are called when they come live: two patterns.
    pub(super) fn republishing(&self) -> (String, String) {
        let prefix = &self.prefix;
        (format!("{prefix}history.>"), format!("{prefix}channel.>"))
    }

    /// The stream that keeps messages. The characters that such a name must not have are written in others, each in its own
    /// way, so that two prefixes do not share a stream.
    pub(super) fn stream(&self) -> String {
        let prefix = self.prefix.trim_end_matches('.');
        let mut name = prefix.chars().fold(String::new(), |mut name, character| {
            match character {
                '.' => name.push('_'),
                '_' => name.push_str("__"),
                plain if plain.is_ascii_alphanumeric() || plain == '-' => name.push(plain),
                other => _ = write!(name, "={:X}=", u32::from(other)),
            }
            name
        });
        name.push_str("_history");
        name
    }

    /// Where one connection of this replica hears itself. During an upgrade two processes are the same replica, so its
    /// name does not say which: `connection` does.
    pub(super) fn echo(&self, connection: u64) -> String {
        let replica = written(format!("{}echo.", self.prefix), &self.replica);
        format!("{replica}.{connection:016x}")
    }

    /// Where answers to this replica go, and something behind it.
    pub(super) fn inbox(&self) -> String {
        written(format!("{}inbox.", self.prefix), &self.replica)
    }

    /// What the servers show as the name of the connection.
    pub(super) fn client(&self) -> String {
        format!("switchyard {}", self.replica)
    }
}

/// `name` behind `subject`, which ends with a dot.
fn written(mut subject: String, name: &str) -> String {
    subject.reserve(name.len());
    let mut before = '.';
    let mut rest = name.chars().peekable();
    while let Some(character) = rest.next() {
        let is_loose_dot = character == '.' && (before == '.' || rest.peek().is_none());
        let is_special = matches!(character, '*' | '>' | '%');
        if is_loose_dot || is_special || character.is_whitespace() || character.is_control() {
            escape(&mut subject, character);
        } else {
            subject.push(character);
        }
        before = character;
    }
    subject
}

fn escape(subject: &mut String, character: char) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        _ = write!(subject, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subjects() -> Subjects {
        Subjects::new(&"switchyard.".into(), "a1b2")
    }

    fn channel(name: &str) -> String {
        subjects().of(&Subject::Channel(name.into()))
    }

    /// What `written` wrote.
    fn read(subject: &str) -> String {
        let bytes = subject.replace("%2E", ".").replace("%2A", "*");
        let bytes = bytes.replace("%20", " ").replace("%E2%80%A8", "\u{2028}");
        bytes.replace("%3E", ">").replace("%25", "%")
    }

    #[test]
    fn each_thing_has_its_name() {
        let subjects = subjects();
        assert_eq!(channel("room:42"), "switchyard.channel.room:42");
        assert_eq!(subjects.of(&Subject::Replicas), "switchyard.replicas");
        let replica = Subject::Replica("c3".into());
        assert_eq!(subjects.of(&replica), "switchyard.replica.c3");
        assert_eq!(subjects.of(&Subject::Events), "switchyard.events");
        assert_eq!(subjects.history("a.b"), "switchyard.history.a.b");
        let echo = "switchyard.echo.a1b2.00000000000000ff";
        assert_eq!(subjects.echo(0xff), echo);
        assert_eq!(subjects.inbox(), "switchyard.inbox.a1b2");
        assert_eq!(subjects.stream(), "switchyard_history");
    }

    #[test]
    fn what_means_something_to_nats_is_written_otherwise() {
        for (name, written) in [
            ("a.b.c", "a.b.c"),
            (".a", "%2Ea"),
            ("a.", "a%2E"),
            ("a..b", "a.%2Eb"),
            ("a...b", "a.%2E%2Eb"),
            (".", "%2E"),
            ("..", "%2E%2E"),
            ("a.*", "a.%2A"),
            (">", "%3E"),
            ("50%2E", "50%252E"),
            ("Zoë→", "Zoë→"),
            ("no name\r\n", "no%20name%0D%0A"),
        ] {
            assert_eq!(channel(name), format!("switchyard.channel.{written}"));
        }
    }

    #[test]
    fn different_prefixes_have_different_streams() {
        let stream = |prefix: &str| Subjects::new(&prefix.into(), "a").stream();
        assert_eq!(stream("my.app."), "my_app_history");
        assert_eq!(stream("my_app."), "my__app_history");
        assert_eq!(stream("my/app."), "my=2F=app_history");
    }

    proptest! {
        #[test]
        fn a_subject_is_valid_and_says_which_name_it_is(name in "[a.*>%2E→: \u{2028}-]{1,40}") {
            let subject = channel(&name);
            let tokens = subject.split('.').collect::<Vec<_>>();
            prop_assert!(tokens.iter().all(|token| !token.is_empty()), "{subject}");
            prop_assert!(!subject.contains(['*', '>', ' ', '\u{2028}']), "{subject}");
            prop_assert_eq!(read(subject.strip_prefix("switchyard.channel.").unwrap()), name);
        }
    }
}
