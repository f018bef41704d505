//! A YAML document as a tree that knows where everything stands.
//!
//! Scalars are text, as written: what they mean is for the key they belong to. So `007`, `on` and
//! `1.10` reach a name, a switch or a version without having been a number or a boolean first.

pub(crate) mod read;
mod syntax;

use crate::source::Span;

/// One value of the document.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Span,
    pub(crate) given: Given,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// It stands in the file.
    File,
    /// The key is not in the file; the place is that of the mapping that lacks it.
    Default,
}

/// What stands there.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Key {
    /// For keys of the user's own, which have a form too.
    pub(crate) fn as_node(&self) -> Node {
        Node {
            value: Value::Scalar(self.text.clone()),
            span: self.span,
            given: Given::File,
        }
    }
}

impl Node {
    /// The value of a key that `mapping` lacks: a scalar, a list of scalars or `{}`.
    pub(crate) fn default_in(mapping: &Self, text: &str) -> Self {
        let value = match (items(text), text) {
            (Some(items), _) => {
                Value::List(items.map(|item| Self::default_in(mapping, item)).collect())
            }
            (None, "{}") => Value::Map(Vec::new()),
            (None, text) => Value::Scalar(text.to_owned()),
        };
        Self {
            value,
            span: mapping.span,
            given: Given::Default,
        }
    }

    /// What stands there, after "found".
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar(text) => format!("`{text}`"),
            Value::List(items) if items.is_empty() => "an empty list".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// The items of a list of scalars that is written as `[1011, 1012]`.
pub(crate) fn items(text: &str) -> Option<impl Iterator<Item = &str>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.split(", ").filter(|item| !item.is_empty()))
}
