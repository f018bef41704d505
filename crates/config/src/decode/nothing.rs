//! A mapping without keys: what is said by its being there.

use serde_json::json;

use super::Decode;
use crate::node::{Node, Value};
use crate::report::{Problem, Report};
use crate::shape::{Scalar, Shape};

/// `{}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nothing;

impl Decode for Nothing {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        match &node.value {
            Value::Map(entries) if entries.is_empty() => return Some(Self),
            Value::Map(entries) => {
                let span = entries.first().map_or(node.span, |(key, _)| key.span);
                report.add(Problem::new(span, "this mapping has no keys").help("write `{}`"));
            }
            Value::Null | Value::Scalar(_) | Value::List(_) => {
                let message = format!("expected `{{}}`, found {}", node.found());
                report.add(Problem::new(node.span, message));
            }
        }
        None
    }

    fn shape() -> Shape {
        Shape::Scalar(Scalar {
            kind: "`{}`",
            range: None,
            schema: json!({ "type": "object", "maxProperties": 0 }),
        })
    }
}
