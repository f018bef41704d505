//! Reads YAML into nodes, within limits; what is not YAML is one problem.
//!
//! Anchors, aliases and merge keys work. A value that comes through an alias stands where the
//! anchor stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::{AliasLimits, DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_yaml::{Location, Options, Spanned};

use super::{Given, Key, Node, Value, syntax};
use crate::report::Problem;
use crate::source::{Position, Source, Span};

/// A larger file is refused: 8 MiB.
pub(crate) const MAX_BYTES: usize = 8 << 20;
/// The vocabulary itself needs eight.
const MAX_DEPTH: usize = 32;
/// Mappings, lists and scalars, aliases expanded.
const MAX_NODES: usize = 250_000;
const MAX_ALIASES: usize = 1_000;

/// Reads the one document of `source`.
pub(crate) fn read(source: &Source<'_>) -> Result<Node, Problem> {
    if source.text().len() > MAX_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_BYTES >> 20);
        return Err(Problem::new(Span::new(0, 0), message));
    }
    match serde_yaml::from_str_with_options::<Spanned<Yaml>>(source.text(), options()) {
        Ok(root) => Ok(node(root, None, source)),
        Err(error) => Err(syntax::problem(&error, source)),
    }
}

fn options() -> Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_merge_keys: MAX_ALIASES,
        },
        alias_limits: alias_limits(),
        // We report every repeated key ourselves, with both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

fn alias_limits() -> AliasLimits {
    serde_yaml::alias_limits! { max_total_replayed_events: MAX_NODES, max_replay_stack_depth: MAX_DEPTH }
}

/// A value as the YAML library hands it over.
#[derive(Debug)]
enum Yaml {
    Null,
    /// A boolean or a number; its text is in the source.
    Plain,
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Yaml, E> {
        Ok(Yaml::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Yaml, E> {
        Ok(Yaml::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Yaml, E> {
        Ok(Yaml::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Yaml, E> {
        Ok(Yaml::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Yaml, E> {
        Ok(Yaml::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Yaml::Map(map))
    }
}

/// An absent value stands nowhere, so it takes the place of its key.
fn node(yaml: Spanned<Yaml>, key: Option<Span>, source: &Source<'_>) -> Node {
    let span = span_of(yaml.defined, source);
    let value = match yaml.value {
        Yaml::Null => Value::Null,
        Yaml::Plain => Value::Scalar(source.slice(span).to_owned()),
        Yaml::Text(text) => Value::Scalar(text),
        Yaml::List(items) => Value::List(
            items
                .into_iter()
                .map(|item| node(item, None, source))
                .collect(),
        ),
        Yaml::Map(entries) => Value::Map(entries.into_iter().map(|it| entry(it, source)).collect()),
    };
    let absent = matches!(value, Value::Null) && span.start == span.end;
    Node {
        value,
        span: key.filter(|_| absent).unwrap_or(span),
        given: Given::File,
    }
}

fn entry((key, value): (Spanned<String>, Spanned<Yaml>), source: &Source<'_>) -> (Key, Node) {
    let span = span_of(key.defined, source);
    (
        Key {
            text: key.value,
            span,
        },
        node(value, Some(span), source),
    )
}

/// The library's errors carry bytes only now and then, but a position always.
pub(super) fn span_of(location: Location, source: &Source<'_>) -> Span {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let start = match location.span().byte_offset() {
        Some(offset) => number(offset),
        None => source.offset(Position {
            line: number(location.line()),
            column: number(location.column()),
        }),
    };
    let length = location.span().byte_len().map_or(0, number);
    Span::new(start, start.saturating_add(length))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    fn tree(text: &str) -> Result<Node, Problem> {
        read(&Source::new(text, Path::new("f.yaml")))
    }

    /// The tree in one line: text in quotes, absent values as `~`.
    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Scalar(text) => format!("{text:?}"),
            Value::List(items) => items
                .iter()
                .fold(String::new(), |out, it| out + &shown(it) + ","),
            Value::Map(entries) => entries.iter().fold(String::new(), |mut out, (key, value)| {
                write!(out, "{}={};", key.text, shown(value)).unwrap();
                out
            }),
        }
    }

    #[test]
    fn scalars_are_what_was_written() {
        for text in [
            "on", "off", "true", "007", "0x10", "1_000", "1.10", ".inf", "1e999", "10s",
        ] {
            let expected = format!("a={text:?};");
            assert_eq!(shown(&tree(&format!("a: {text}\n")).unwrap()), expected);
            assert_eq!(shown(&tree(&format!("a: \"{text}\"\n")).unwrap()), expected);
        }
    }

    #[test]
    fn a_repeated_key_is_kept_for_the_report() {
        assert_eq!(shown(&tree("a: 1\na: 2\n").unwrap()), r#"a="1";a="2";"#);
    }

    #[test]
    fn aliases_and_merge_keys_work() {
        let text = "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nsame: *b\n";
        assert_eq!(
            shown(&tree(text).unwrap()),
            r#"base=x="1";y="2";;use=y="3";x="1";;same=x="1";y="2";;"#
        );
    }

    #[test]
    fn an_absent_value_stands_at_its_key() {
        let Value::Map(entries) = tree("a: 1\nkey:\n").unwrap().value else {
            panic!("no map")
        };
        assert_eq!(entries[1].1.span, Span::new(5, 8));
    }

    #[test]
    fn an_alias_bomb_and_a_deep_nest_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let row = format!("*a{0}, ", level - 1).repeat(8);
            writeln!(bomb, "a{level}: &a{level} [{row}]").unwrap();
        }
        let nest = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
        let steps = (0..40).fold(String::new(), |out, step| out + &" ".repeat(step) + "a:\n");
        for text in [bomb, nest, steps] {
            assert!(tree(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_counted() {
        let problem = tree(&format!("a: [{}]", "x, ".repeat(MAX_NODES))).unwrap_err();
        assert_eq!(
            problem.message,
            "the file is too large or too deeply nested"
        );
    }

    #[test]
    fn a_file_beyond_all_measure_is_refused_unread() {
        let problem = tree(&" ".repeat(MAX_BYTES + 1)).unwrap_err();
        assert_eq!(problem.message, "the file is larger than 8 MiB");
    }
}
