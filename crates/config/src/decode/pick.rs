//! A value that is one key of several, some of which may stand alone.

use std::borrow::Cow;

use crate::node::{self, Node, Value};
use crate::report::{Problem, Report};
use crate::suggest;

/// A key that may be picked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) text: &'static str,
    /// The value that it has as a word alone, as it would be written in the file.
    pub(crate) alone: Option<&'static str>,
}

/// Finds the one key and its value, or reports why there is none.
pub(crate) fn pick<'n>(
    node: &'n Node,
    keys: &[Key],
    report: &mut Report,
) -> Option<(&'static str, Cow<'n, Node>)> {
    let names: Vec<&str> = keys.iter().map(|key| key.text).collect();
    let known = |text: &str| keys.iter().find(|key| key.text == text);
    let problem = match &node.value {
        Value::Scalar(text) => match known(text) {
            Some(Key {
                text,
                alone: Some(value),
            }) => {
                return Some((text, Cow::Owned(Node::default_in(node, value))));
            }
            Some(Key { alone: None, .. }) | None => not_a_word(node, text, &names),
        },
        Value::Map(entries) => match entries.as_slice() {
            [(key, value)] => match known(&key.text) {
                Some(Key { alone: Some(_), .. }) if matches!(value.value, Value::Null) => {
                    nothing_behind(key)
                }
                Some(key) => return Some((key.text, Cow::Borrowed(value))),
                None => Problem::new(key.span, format!("unknown key `{}`", key.text))
                    .help(suggest::help(&key.text, &names, "keys")),
            },
            [_, (second, _), ..] => Problem::new(second.span, "one key is enough here")
                .help("begin another item of the list with `- `"),
            [] => Problem::new(node.span, "this mapping is empty").help(its_key(&names)),
        },
        Value::Null | Value::List(_) => {
            let message = format!("expected a mapping with one key, found {}", node.found());
            Problem::new(node.span, message).help(its_key(&names))
        }
    };
    report.add(problem);
    None
}

fn its_key(names: &[&str]) -> String {
    format!("its key is {}", suggest::list(names, "or"))
}

fn not_a_word(node: &Node, text: &str, names: &[&str]) -> Problem {
    let message = format!("expected a mapping with one key, found `{text}`");
    let help = if names.contains(&text) {
        format!("`{text}` needs a value: `{text}: …`")
    } else {
        suggest::help(text, names, "sources")
    };
    Problem::new(node.span, message).help(help)
}

fn nothing_behind(key: &node::Key) -> Problem {
    let message = format!("expected a mapping behind `{}:`, found nothing", key.text);
    let help = format!("write `{}` alone, without `:`", key.text);
    Problem::new(key.span, message).help(help)
}
