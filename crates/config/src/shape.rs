//! What values may look like: what the schema and the reference are made from.
//!
//! Every type that can be decoded describes itself with one of these, next to its decoder.

use serde_json::Value;

/// The values of one type.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Scalar(Scalar),
    Choice(Vec<Choice>),
    Table(Table),
    /// Exactly one key of a table; some may be a word alone.
    OneOf(OneOf),
    List {
        item: Box<Self>,
        /// How many items it has at least.
        least: usize,
    },
    /// One value, or something of another shape.
    Or {
        one: Scalar,
        other: Box<Self>,
    },
    /// A mapping with keys of the user's own.
    Map {
        key: Scalar,
        value: Scalar,
    },
    /// The word `off`, or a value.
    OrOff(Scalar),
}

/// Text in one value.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// With its article, after "expected": `a duration`.
    pub(crate) kind: &'static str,
    /// `1ms to 8760h`.
    pub(crate) range: Option<String>,
    /// The JSON Schema of its form.
    pub(crate) schema: Value,
}

/// One word of several.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) about: String,
}

/// A mapping with fixed keys.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) about: String,
    pub(crate) fields: Vec<Field>,
}

/// A mapping with one key of several, or one of some of them as a word alone.
#[derive(Debug, Clone)]
pub(crate) struct OneOf {
    pub(crate) about: String,
    pub(crate) keys: Vec<Field>,
    /// Those of the keys that may be a word alone.
    pub(crate) alone: Vec<&'static str>,
}

/// A key of a table.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) about: String,
    pub(crate) presence: Presence,
    /// As it would be written.
    pub(crate) example: Option<&'static str>,
    pub(crate) shape: Shape,
}

/// What happens when a key is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
    /// This is taken, as if it had been written.
    Default(&'static str),
}

/// Joins the lines of a doc comment.
pub(crate) fn prose(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}
