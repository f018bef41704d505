//! Lists, values that may be `off`, and parts that may be broken without hiding the rest.

use super::Decode;
use crate::node::{Node, Value};
use crate::report::{Problem, Report};
use crate::shape::Shape;

/// A list with at least `LEAST` items.
#[derive(Debug, Clone)]
pub(crate) struct List<T, const LEAST: usize> {
    /// Those that could be read.
    pub(crate) items: Vec<T>,
    /// Whether some could not.
    pub(crate) complete: bool,
}

impl<T: Decode, const LEAST: usize> Decode for List<T, LEAST> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let Value::List(nodes) = &node.value else {
            let problem = Problem::new(
                node.span,
                format!("expected a list, found {}", node.found()),
            );
            report.add(problem.maybe_help(as_list(node)));
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

fn as_list(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar(text) => Some(format!("write `[{text}]` for a list of one")),
        Value::Map(_) => Some("begin each item with `- `".to_owned()),
        Value::Null | Value::List(_) => None,
    }
}

/// A value, or the word `off`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrOff<T>(pub(crate) Option<T>);

impl<T: Decode> Decode for OrOff<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        // `false` is what tools that read YAML 1.1 make of an unquoted `off`.
        let off = matches!(&node.value, Value::Scalar(text) if text == "off" || text == "false");
        if off {
            Some(Self(None))
        } else {
            T::decode(node, report).map(|value| Self(Some(value)))
        }
    }

    fn shape() -> Shape {
        Shape::OrOff(Box::new(T::shape()))
    }
}

/// A part that is `None` when it could not be read, so that its neighbours are checked all the same.
#[derive(Debug, Clone)]
pub(crate) struct Section<T>(pub(crate) Option<T>);

impl<T: Decode> Decode for Section<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        Some(Self(T::decode(node, report)))
    }

    fn absent() -> Option<Self> {
        T::absent().map(|absent| Self(Some(absent)))
    }

    fn shape() -> Shape {
        T::shape()
    }
}
