//! Tables: mappings with fixed keys, and mappings with one key of several.
//!
//! `table!` and `one_of!` are the declarations of the vocabulary. From one of them come the type
//! that mirrors the file, its decoder, its defaults, its part of the schema and of the reference.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Decode;
use crate::node::{Key, Node, Value};
use crate::report::{Problem, Report};
use crate::shape::{Field, Presence, prose};
use crate::suggest;

/// A key as it is declared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) key: &'static str,
    /// The lines of its doc comment.
    pub(crate) about: &'static [&'static str],
    /// As it would be written in the file.
    pub(crate) default: Option<&'static str>,
    /// As it would be written in the file.
    pub(crate) example: Option<&'static str>,
}

/// The first of the words that a declaration may give.
pub(crate) const fn first(words: &[&'static str]) -> Option<&'static str> {
    match words {
        [first, ..] => Some(first),
        [] => None,
    }
}

/// The key of a field: the one given after `as`, or the field's own name.
pub(crate) const fn key(given: &[&'static str], field: &'static str) -> &'static str {
    match given {
        [given, ..] => given,
        [] => field,
    }
}

macro_rules! spec {
    ([$($doc:literal)*] $field:ident [$($key:literal)?] [$($default:literal)?] [$($example:literal)?]) => {
        $crate::decode::table::Spec {
            key: $crate::decode::table::key(&[$($key)?], stringify!($field)),
            about: &[$($doc),*],
            default: $crate::decode::table::first(&[$($default)?]),
            example: $crate::decode::table::first(&[$($example)?]),
        }
    };
}

/// Declares a mapping with fixed keys. A key is a field; `as` gives it the word that Rust keeps for
/// itself, `=` its default and `eg` an example, both as they would be written in the file.
macro_rules! table {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident $(as $key:literal)? : $type:ty $(= $default:literal)? $(, eg $example:literal)? ;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) struct $name {
            $( $(#[doc = $doc])+ pub(crate) $field: $type, )+
        }

        impl $crate::decode::Decode for $name {
            fn decode(
                node: &$crate::node::Node,
                report: &mut $crate::report::Report,
            ) -> Option<Self> {
                let keys = [$( $crate::decode::table::spec!([] $field [$($key)?] [] []).key ),+];
                let entries = $crate::decode::table::Entries::open(node, &keys, report)?;
                $( let $field = entries.take::<$type>(
                    &$crate::decode::table::spec!([] $field [$($key)?] [$($default)?] [$($example)?]),
                    report,
                ); )+
                Some(Self { $($field: $field?),+ })
            }

            fn shape() -> $crate::shape::Shape {
                $crate::shape::Shape::Table($crate::shape::Table {
                    about: $crate::shape::prose(&[$($about),+]),
                    fields: vec![$( $crate::shape::Field::new::<$type>(
                        $crate::decode::table::spec!([$($doc)+] $field [$($key)?] [$($default)?] [$($example)?]),
                    ) ),+],
                })
            }
        }
    };
}

/// Declares a value that is one key of several with its value, or one of some words alone.
macro_rules! one_of {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $variant:ident($type:ty) = $key:ident $(, eg $example:literal)? ;
            )+
        }
        words {
            $( $(#[doc = $word_doc:literal])+ $word_variant:ident = $word:literal ; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) enum $name {
            $( $(#[doc = $doc])+ $variant($type), )+
            $( $(#[doc = $word_doc])+ $word_variant, )+
        }

        impl $crate::decode::Decode for $name {
            fn decode(
                node: &$crate::node::Node,
                report: &mut $crate::report::Report,
            ) -> Option<Self> {
                use $crate::decode::table::{Picked, pick};
                let (keys, words) = ([$(stringify!($key)),+], [$($word),+]);
                match pick(node, &keys, &words, report)? {
                    $( Picked::Key(stringify!($key), value) => {
                        <$type as $crate::decode::Decode>::decode(value, report).map(Self::$variant)
                    } )+
                    $( Picked::Word($word) => Some(Self::$word_variant), )+
                    Picked::Key(..) | Picked::Word(_) => None,
                }
            }

            fn shape() -> $crate::shape::Shape {
                $crate::shape::Shape::OneOf($crate::shape::OneOf {
                    about: $crate::shape::prose(&[$($about),+]),
                    keys: vec![$( $crate::shape::Field::new::<$type>(
                        $crate::decode::table::spec!([$($doc)+] $key [] [] [$($example)?]),
                    ) ),+],
                    words: vec![$( $crate::shape::Choice {
                        word: $word,
                        about: $crate::shape::prose(&[$($word_doc),+]),
                    } ),+],
                })
            }
        }
    };
}

pub(crate) use {one_of, spec, table};

/// The entries of a mapping whose keys are known.
pub(crate) struct Entries<'n> {
    mapping: &'n Node,
    entries: &'n [(Key, Node)],
}

impl<'n> Entries<'n> {
    /// Reports what is no mapping, keys that are none of `keys` and keys that are there twice.
    pub(crate) fn open(node: &'n Node, keys: &[&str], report: &mut Report) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("expected a mapping, found {}", node.found());
            let help = format!("its keys are {}", suggest::list(keys, "and"));
            report.add(Problem::new(node.span, message).help(help));
            return None;
        };
        report_strangers(entries, keys, report);
        report_repeats(entries, str::to_owned, report);
        Some(Self {
            mapping: node,
            entries,
        })
    }

    /// The value of a key, or what stands for it when it is not there.
    pub(crate) fn take<T: Decode>(&self, spec: &Spec, report: &mut Report) -> Option<T> {
        if let Some((_, node)) = self.entries.iter().find(|(key, _)| key.text == spec.key) {
            return T::decode(node, report);
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
            .entries
            .first()
            .map_or(self.mapping.span, |(key, _)| key.span);
        let help = spec
            .example
            .map(|example| format!("such as `{}: {example}`", spec.key));
        Problem::new(at, format!("`{}` is missing here", spec.key)).maybe_help(help)
    }
}

fn report_strangers(entries: &[(Key, Node)], keys: &[&str], report: &mut Report) {
    for (key, _) in entries
        .iter()
        .filter(|(key, _)| !keys.contains(&key.text.as_str()))
    {
        let message = format!("unknown key `{}`", key.text);
        report.add(Problem::new(key.span, message).help(suggest::help(&key.text, keys, "keys")));
    }
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

impl Field {
    /// How the reference and the schema see the key of `spec`, with values of `T`.
    pub(crate) fn new<T: Decode>(spec: Spec) -> Self {
        let presence = match (spec.default, T::absent()) {
            (Some(default), _) => Presence::Default(default),
            (None, Some(_)) => Presence::Optional,
            (None, None) => Presence::Required,
        };
        let about = prose(spec.about);
        Self {
            key: spec.key,
            about,
            presence,
            example: spec.example,
            shape: T::shape(),
        }
    }
}
