//! Lists, and values that may be `off`.

use super::{Decode, Known};
use crate::node::{Node, Value};
use crate::report::{Problem, Report};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A list with at least `LEAST` items.
#[derive(Debug, Clone)]
pub(crate) struct List<T, const LEAST: usize> {
    /// Those that could be read.
    pub(crate) items: Vec<T>,
    /// Whether some could not.
    pub(crate) complete: bool,
}

/// None, where the key is not there.
impl<T, const LEAST: usize> Default for List<T, LEAST> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            complete: true,
        }
    }
}

impl<T, const LEAST: usize> List<T, LEAST> {
    /// Its items, if all of them could be read.
    pub(crate) fn whole(self) -> Known<Vec<T>> {
        self.complete.then_some(self.items)
    }
}

impl<T: Decode, const LEAST: usize> Decode for List<T, LEAST> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let Value::List(nodes) = &node.value else {
            let problem = Problem::new(
                node.span,
                format!("expected a list, found {}", node.found()),
            );
            report.add(problem.maybe_help(as_list::<T>(node)));
            return None;
        };
        if nodes.len() < LEAST {
            report.add(Problem::new(node.span, "this list is empty").help("it needs an item"));
            return None;
        }
        let items: Vec<T> = nodes
            .iter()
            .filter_map(|item| T::decode(item, report))
            .collect();
        let complete = items.len() == nodes.len();
        Some(Self { items, complete })
    }

    fn shape() -> Shape {
        Shape::List {
            item: Box::new(T::shape()),
            least: LEAST,
        }
    }
}

/// What makes a list of `T` of a node, where that is easy to say.
fn as_list<T: Decode>(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar(_) if matches!(T::shape(), Shape::Table(_)) => None,
        Value::Scalar(text) => Some(format!("write `[{text}]` for a list of one")),
        Value::Map(_) => Some("begin each item with `- `".to_owned()),
        Value::Null | Value::List(_) => None,
    }
}

/// A value, or the word `off`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrOff<T>(pub(crate) Option<T>);

impl<T: Scalar> Decode for OrOff<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        match &node.value {
            // `false` is what tools that read YAML 1.1 make of an unquoted `off`.
            Value::Scalar(text) if matches!(text.as_str(), "off" | "false") => Some(Self(None)),
            Value::Scalar(text) if means_no_limit(text) => {
                let message = format!("expected {} or `off`, found `{text}`", T::KIND);
                report.add(Problem::new(node.span, message).help("`off` is for no limit"));
                None
            }
            Value::Null | Value::Scalar(_) | Value::List(_) | Value::Map(_) => {
                T::decode(node, report).map(|value| Self(Some(value)))
            }
        }
    }

    fn shape() -> Shape {
        Shape::OrOff(T::form())
    }
}

/// What other programs take for no limit: zero, -1 and some words.
fn means_no_limit(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let zero = number.bytes().all(|byte| byte == b'0') && !number.is_empty();
    zero || matches!(
        text,
        "-1" | "never" | "none" | "infinite" | "infinity" | "no" | "unlimited"
    )
}
