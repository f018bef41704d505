//! What is not YAML, in our own words where people run into it.

use serde_yaml::UserMessageFormatter;

use super::read::span_of;
use crate::report::Problem;
use crate::source::{Source, Span};

/// What is wrong, and where.
pub(super) fn problem(error: &serde_yaml::Error, source: &Source<'_>) -> Problem {
    let location = error.location();
    let span = location.map_or(Span::new(0, 0), |location| span_of(location, source));
    let mut said = error.render_with_formatter(&UserMessageFormatter);
    if let Some(location) = location {
        let place = format!(" at line {}, column {}", location.line(), location.column());
        said = said.replace(&place, "");
    }
    let rest = source.text().get(span.start..).unwrap_or_default();
    let (message, help) = ours(error.without_snippet())
        .or_else(|| ours_by_text(&said, rest))
        .unwrap_or_else(|| {
            // The library quotes in two ways of its own.
            (said.replace(['\'', '"'], "`"), None)
        });
    Problem::new(span, message).maybe_help(help.map(str::to_owned))
}

/// A message, and help when there is some.
type Said = (String, Option<&'static str>);

/// Our own words for what people run into.
fn ours(error: &serde_yaml::Error) -> Option<Said> {
    use serde_yaml::Error as E;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign, non-exhaustive enum of fifty"
    )]
    let (message, help) = match error {
        E::MultipleDocuments { .. } => (
            "the file holds more than one YAML document",
            Some("remove the `---` or `...`, or split the file"),
        ),
        E::UnknownAnchor { .. } => (
            "this alias has no anchor",
            Some("quote text that begins with `*`, such as \"*.example.com\""),
        ),
        E::RecursiveReferencesRequireWeakTypes { .. } => {
            ("this alias stands inside its own anchor", None)
        }
        E::Budget { .. }
        | E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. } => (TOO_LARGE, Some(LIMITS)),
        E::MergeValueNotMapOrSeqOfMaps { .. } => ("`<<` merges mappings, and this is none", None),
        E::Unexpected { .. } | E::NullIntoString { .. } => ("a key must be plain text", None),
        E::UnsupportedTag { .. } => (
            "values take no tags here",
            Some("remove the word after `!`"),
        ),
        _ => return None,
    };
    Some((message.to_owned(), help))
}

const TOO_LARGE: &str = "the file is too large or too deeply nested";
const LIMITS: &str = "at most 250,000 values, aliases expanded, nested 32 deep";

/// The scanner's errors are all of one kind, so their text has to tell them apart. `rest` is what
/// stands at the place.
fn ours_by_text(said: &str, rest: &str) -> Option<Said> {
    let (message, help) = if said.contains("tabs") {
        ("a tab cannot indent YAML".to_owned(), "indent with spaces")
    } else if said.contains("recursion limit") {
        (TOO_LARGE.to_owned(), LIMITS)
    } else if said.contains("unexpected character") {
        let stranger = rest.chars().next().unwrap_or_default();
        (
            format!("text cannot begin with `{stranger}`"),
            "put it in double quotes",
        )
    } else if said.contains("mapping values are not allowed") {
        let help = "check the indentation, or quote a value that contains `: `";
        ("a key cannot stand here".to_owned(), help)
    } else if said.contains("did not find expected key") {
        let help = "check the indentation, or quote a value that begins with `[` or `{`";
        (
            "expected another key, or the end of the mapping".to_owned(),
            help,
        )
    } else if said.contains("did not find expected '-'") {
        let help = "check the indentation; every item begins with `- `";
        (
            "expected another item, or the end of the list".to_owned(),
            help,
        )
    } else {
        return None;
    };
    Some((message, Some(help)))
}
