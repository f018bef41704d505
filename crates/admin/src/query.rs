//! What is asked for behind the question mark: words that are known, each once, with values that are right.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::answer::{Problem, bad};

/// The words of a query, decoded.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query of which these words may be part.
    ///
    /// # Errors
    /// Another word, one that is given twice, or one without a value.
    pub(crate) fn parse(text: Option<&str>, known: &[&[&str]]) -> Result<Self, Problem> {
        let mut words: Vec<(String, String)> = Vec::new();
        let parts = text.unwrap_or_default().split('&');
        for part in parts.filter(|part| !part.is_empty()) {
            let (word, value) = part.split_once('=').unwrap_or((part, ""));
            let (word, value) = (decoded(word), decoded(value));
            if !known.iter().any(|words| words.contains(&&*word)) {
                return Err(unknown(&word, known));
            }
            if value.is_empty() {
                return Err(bad(&format!("`{word}` has no value")));
            }
            if words.iter().any(|(other, _)| *other == word) {
                return Err(bad(&format!("`{word}` is given twice")));
            }
            words.push((word, value));
        }
        Ok(Self(words))
    }

    /// The value of a word.
    pub(crate) fn text(&self, word: &str) -> Option<&str> {
        let mut words = self.0.iter();
        words
            .find(|(known, _)| known == word)
            .map(|(_, value)| value.as_str())
    }

    /// Whether `word` is `true`.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn is_true(&self, word: &str) -> Result<bool, Problem> {
        match self.text(word) {
            None => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(bad(&format!("`{word}` may be `true`, and not `{other}`"))),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// It is none, or not one of these.
    pub(crate) fn number<N>(
        &self,
        word: &str,
        range: &RangeInclusive<N>,
    ) -> Result<Option<N>, Problem>
    where
        N: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(word) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => Err(bad(&format!(
                "`{word}` is a whole number from {} to {}, and not `{text}`",
                range.start(),
                range.end()
            ))),
        }
    }

    /// A duration, written as in the configuration.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn duration(&self, word: &str) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.text(word) else {
            return Ok(None);
        };
        match switchyard_config::duration(text) {
            Ok(duration) => Ok(Some(duration)),
            Err(complaint) => Err(bad(&format!("`{word}`: {complaint}"))),
        }
    }
}

fn unknown(word: &str, known: &[&[&str]]) -> Problem {
    let known: Vec<_> = known.iter().flat_map(|words| words.iter()).collect();
    if known.is_empty() {
        return bad(&format!("`{word}` means nothing here: this takes no query"));
    }
    let known: Vec<_> = known.into_iter().map(|word| format!("`{word}`")).collect();
    let known = known.join(", ");
    bad(&format!(
        "`{word}` means nothing here; there may be {known}"
    ))
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    const KNOWN: &[&[&str]] = &[&["route", "limit"], &["over"]];

    fn query(text: &str) -> Query {
        let Ok(query) = Query::parse(Some(text), KNOWN) else {
            panic!("{text} is a query");
        };
        query
    }

    #[test]
    fn words_are_decoded() {
        let query = query("route=a%20b+c&limit=7&&over=30s");
        assert_eq!(query.text("route"), Some("a b c"));
        assert_eq!(query.number("limit", &(1..=9)).ok(), Some(Some(7)));
        assert_eq!(
            query.duration("over").ok(),
            Some(Some(Duration::from_secs(30)))
        );
        assert_eq!(Query::parse(None, KNOWN).ok().map(|it| it.0.len()), Some(0));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in ["rout=a", "route=a&route=b", "route", "route=", "=1"] {
            let refused = Query::parse(Some(text), KNOWN).err().expect(text);
            assert_eq!(refused.code, StatusCode::BAD_REQUEST, "{text}");
        }
        assert!(query("limit=0").number("limit", &(1..=9)).is_err());
        assert!(query("limit=ten").number("limit", &(1..=9)).is_err());
        assert!(query("over=30").duration("over").is_err());
        assert!(query("over=yes").is_true("over").is_err());
    }
}
