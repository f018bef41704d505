//! A value that is one key of several, or one of some words alone.

use crate::node::{Key, Node, Value};
use crate::report::{Problem, Report};
use crate::suggest;

/// What a value that is one of several turned out to be.
pub(crate) enum Picked<'n> {
    Key(&'n str, &'n Node),
    Word(&'n str),
}

/// Finds the one key or the word, or reports why there is none.
pub(crate) fn pick<'n>(
    node: &'n Node,
    keys: &[&str],
    words: &[&str],
    report: &mut Report,
) -> Option<Picked<'n>> {
    let problem = match &node.value {
        Value::Scalar(text) if words.contains(&text.as_str()) => return Some(Picked::Word(text)),
        Value::Scalar(text) => not_a_word(node, text, keys, words),
        Value::Map(entries) => match entries.as_slice() {
            [(key, value)] if keys.contains(&key.text.as_str()) => {
                return Some(Picked::Key(&key.text, value));
            }
            [(key, _)] => not_a_key(key, keys, words),
            [_, (second, _), ..] => Problem::new(second.span, "one key is enough here")
                .help("begin another item of the list with `- `"),
            [] => Problem::new(node.span, "this mapping is empty")
                .help(format!("its key is {}", suggest::list(keys, "or"))),
        },
        Value::Null | Value::List(_) => {
            let message = format!("expected a mapping with one key, found {}", node.found());
            Problem::new(node.span, message)
                .help(format!("its key is {}", suggest::list(keys, "or")))
        }
    };
    report.add(problem);
    None
}

fn not_a_word(node: &Node, text: &str, keys: &[&str], words: &[&str]) -> Problem {
    let message = format!("expected a mapping with one key, found `{text}`");
    let help = if keys.contains(&text) {
        format!("`{text}` needs a value: `{text}: …`")
    } else {
        suggest::help(text, &[words, keys].concat(), "sources")
    };
    Problem::new(node.span, message).help(help)
}

fn not_a_key(key: &Key, keys: &[&str], words: &[&str]) -> Problem {
    let help = if words.contains(&key.text.as_str()) {
        format!("write `{}` alone, without `:`", key.text)
    } else {
        suggest::help(&key.text, keys, "keys")
    };
    Problem::new(key.span, format!("unknown key `{}`", key.text)).help(help)
}
