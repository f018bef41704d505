//! Tables: mappings with fixed keys, and mappings with one key of several.
//!
//! `table!` and `one_of!` are the declarations of the vocabulary. From one of them come the type
//! that mirrors the file, its decoder, its defaults, its part of the schema and of the reference.

use super::Decode;
use crate::shape::{Field, Presence, prose};

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

/// Declares a mapping with fixed keys. A key is a field, with what is known of its value; `as` gives
/// it the word that Rust keeps for itself, `=` its default and `eg` an example, both as they would be
/// written in the file.
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
            $( $(#[doc = $doc])+ pub(crate) $field: $crate::decode::Known<$type>, )+
        }

        impl $crate::decode::Decode for $name {
            fn decode(
                node: &$crate::node::Node,
                report: &mut $crate::report::Report,
            ) -> Option<Self> {
                let keys = [$( $crate::decode::table::spec!([] $field [$($key)?] [] []).key ),+];
                let entries = $crate::decode::entries::Entries::open(node, &keys, report)?;
                $( let $field = entries.take::<$type>(
                    &$crate::decode::table::spec!([] $field [$($key)?] [$($default)?] [$($example)?]),
                    report,
                ); )+
                Some(Self { $($field),+ })
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

/// Declares a value that is one key of several with its value. A key with `alone` may also be a word,
/// which stands for the key with that value.
macro_rules! one_of {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $variant:ident($type:ty) = $key:ident $(, alone $alone:literal)? $(, eg $example:literal)? ;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) enum $name {
            $( $(#[doc = $doc])+ $variant($type), )+
        }

        impl $crate::decode::Decode for $name {
            fn decode(
                node: &$crate::node::Node,
                report: &mut $crate::report::Report,
            ) -> Option<Self> {
                let keys = [$( $crate::decode::pick::Key {
                    text: stringify!($key),
                    alone: $crate::decode::table::first(&[$($alone)?]),
                } ),+];
                match $crate::decode::pick::pick(node, &keys, report)? {
                    $( (stringify!($key), value) => {
                        <$type as $crate::decode::Decode>::decode(&value, report).map(Self::$variant)
                    } )+
                    _ => None,
                }
            }

            fn shape() -> $crate::shape::Shape {
                $crate::shape::Shape::OneOf($crate::shape::OneOf {
                    about: $crate::shape::prose(&[$($about),+]),
                    keys: vec![$( $crate::shape::Field::new::<$type>(
                        $crate::decode::table::spec!([$($doc)+] $key [] [] [$($example)?]),
                    ) ),+],
                    alone: [$( (stringify!($key), $crate::decode::table::first(&[$($alone)?])) ),+]
                        .into_iter()
                        .filter_map(|(key, alone)| alone.map(|_value| key))
                        .collect(),
                })
            }
        }
    };
}

pub(crate) use {one_of, spec, table};

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
