//! What page and server say to one another: JSON objects in text messages, told apart by `type`.

use serde::{Deserialize, Serialize};

use super::MAX_NICKNAME;
use crate::servers::Status;

/// From the page.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum FromPage {
    /// The first message: who comes in.
    Hello { nickname: String },
    /// Something said to the room.
    Message { text: String },
}

/// To the page.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ToPage<'a> {
    /// The answer to the page's hello: which server this is, and who is in the room.
    Hello {
        server: &'a str,
        colour: &'a str,
        room: &'a str,
        nickname: &'a str,
        people: &'a [String],
    },
    /// Someone came in; `people` counts whoever is in the room now.
    Joined { nickname: &'a str, people: usize },
    /// Someone left.
    Left { nickname: &'a str, people: usize },
    /// Something said, to everyone in the room, the one who said it included.
    Message { nickname: &'a str, text: &'a str },
    /// The servers, whenever one of them changes.
    Servers { servers: Vec<Status> },
}

impl ToPage<'_> {
    pub(super) fn to_json(&self) -> String {
        // Strings and numbers always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The nickname as it is shown: no control characters, no space around it, not too long, not empty.
pub(super) fn tidy_nickname(asked: &str) -> String {
    let shown: String = asked.chars().filter(|c| !c.is_control()).collect();
    let short: String = shown.trim().chars().take(MAX_NICKNAME).collect();
    if short.is_empty() {
        "guest".to_owned()
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_says_is_closed() {
        let parse = serde_json::from_str::<FromPage>;
        assert_eq!(
            parse(r#"{"type":"hello","nickname":"Ada"}"#).unwrap(),
            FromPage::Hello {
                nickname: "Ada".into()
            }
        );
        assert!(parse(r#"{"type":"shout","text":"x"}"#).is_err());
        assert!(parse(r#"{"type":"message"}"#).is_err());
        assert!(parse("[]").is_err());
    }

    #[test]
    fn a_nickname_is_tidied() {
        assert_eq!(tidy_nickname("  Ada\u{7}\n Lovelace "), "Ada Lovelace");
        assert_eq!(tidy_nickname(" \t"), "guest");
        assert_eq!(
            tidy_nickname(&"é".repeat(100)).chars().count(),
            MAX_NICKNAME
        );
    }
}
