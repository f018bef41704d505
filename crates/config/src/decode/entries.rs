//! The entries of a mapping, held against the keys that it may have.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::table::Spec;
use super::{Decode, Known};
use crate::node::{Key, Node, Value};
use crate::report::{Problem, Report};
use crate::suggest;

/// The entries of a mapping whose keys are known.
pub(crate) struct Entries<'n> {
    mapping: &'n Node,
    pairs: &'n [(Key, Node)],
    /// Keys that are there, but misspelt.
    meant: Vec<&'static str>,
}

impl<'n> Entries<'n> {
    /// Reports what is no mapping, keys that are none of `keys` and keys that are there twice.
    pub(crate) fn open(node: &'n Node, keys: &[&'static str], report: &mut Report) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("expected a mapping, found {}", node.found());
            let help = format!("its keys are {}", suggest::list(keys, "and"));
            report.add(Problem::new(node.span, message).help(help));
            return None;
        };
        let meant = report_strangers(entries, keys, report);
        report_repeats(entries, str::to_owned, report);
        Some(Self {
            mapping: node,
            pairs: entries,
            meant,
        })
    }

    /// The value of a key, or what stands for it when it is not there. Of one that is misspelt
    /// nothing is known.
    pub(crate) fn take<T: Decode>(&self, spec: &Spec, report: &mut Report) -> Known<T> {
        if let Some((_, node)) = self.pairs.iter().find(|(key, _)| key.text == spec.key) {
            return T::decode(node, report);
        }
        if self.meant.contains(&spec.key) {
            return None;
        }
        if let Some(default) = spec.default {
            return T::decode(&Node::default_in(self.mapping, default), report);
        }
        let absent = T::absent();
        if absent.is_none() {
            report.add(self.lacks(spec));
        }
        absent
    }

    fn lacks(&self, spec: &Spec) -> Problem {
        let at = self
            .pairs
            .first()
            .map_or(self.mapping.span, |(key, _)| key.span);
        let help = spec
            .example
            .map(|example| format!("such as `{}: {example}`", spec.key));
        Problem::new(at, format!("`{}` is missing here", spec.key)).maybe_help(help)
    }
}

/// Reports keys that are none of `keys`, and returns those that were probably meant.
fn report_strangers(
    entries: &[(Key, Node)],
    keys: &[&'static str],
    report: &mut Report,
) -> Vec<&'static str> {
    let mut meant = Vec::new();
    for (key, _) in entries
        .iter()
        .filter(|(key, _)| !keys.contains(&key.text.as_str()))
    {
        let message = format!("unknown key `{}`", key.text);
        report.add(Problem::new(key.span, message).help(suggest::help(&key.text, keys, "keys")));
        meant.extend(suggest::nearest(&key.text, keys));
    }
    meant
}

/// Reports each key that means the same as one before it.
pub(crate) fn report_repeats(
    entries: &[(Key, Node)],
    meaning: impl Fn(&str) -> String,
    report: &mut Report,
) {
    let mut seen = HashMap::new();
    for (key, _) in entries {
        match seen.entry(meaning(&key.text)) {
            Entry::Vacant(vacant) => {
                vacant.insert(key.span);
            }
            Entry::Occupied(first) => {
                let problem = Problem::new(key.span, format!("the key `{}` is repeated", key.text));
                report.add(problem.related(*first.get(), "first here"));
            }
        }
    }
}
