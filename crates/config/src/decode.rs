//! Turns nodes into values, and goes on after a problem so that all of them are reported.
//!
//! A type says here, once, how it is read and what it looks like. Tables, choices and scalars have
//! macros and a trait of their own in the modules below.

mod containers;
pub(crate) mod entries;
mod nothing;
pub(crate) mod pick;
pub(crate) mod table;

use crate::model::{
    AcceptProxy, Balancer, Choice as Choices, ClientAuth, DrainOrder, HeaderCase, LogFormat,
    LogLevel, NoneHealthy, OnFull, OnRemoved, Protocol, RecordType, SameSite, SendProxy,
    TlsVersion, WithoutExtendedConnect,
};
use crate::node::{Given, Node, Value};
use crate::report::{Problem, Report};
use crate::shape::{Choice, Shape, prose};
use crate::source::Span;
use crate::suggest;

pub(crate) use containers::{List, OrOff};
pub(crate) use nothing::Nothing;

/// What is known of a part of the file: `None` when it could not be read. That is reported, and what
/// stands beside it is checked all the same.
pub(crate) type Known<T> = Option<T>;

/// A value that a node of the file becomes.
pub(crate) trait Decode: Sized {
    /// `None` after the reason has been reported.
    fn decode(node: &Node, report: &mut Report) -> Option<Self>;

    /// What stands for a key that is not in the file and has no default; `None`: it must be there.
    fn absent() -> Option<Self> {
        None
    }

    /// What its values look like.
    fn shape() -> Shape;
}

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        T::decode(node, report).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn shape() -> Shape {
        T::shape()
    }
}

/// A value that remembers where it stands, for checks that concern more than itself.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
    pub(crate) given: Given,
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let value = T::decode(node, report)?;
        Some(Self {
            value,
            span: node.span,
            given: node.given,
        })
    }

    fn shape() -> Shape {
        T::shape()
    }
}

/// Lets the words of choices be read.
macro_rules! choices {
    ($($name:ty),+ $(,)?) => { $(
        impl Decode for $name {
            fn decode(node: &Node, report: &mut Report) -> Option<Self> {
                choice(node, report)
            }

            fn shape() -> Shape {
                choice_shape::<Self>()
            }
        }
    )+ };
}

choices!(
    AcceptProxy,
    Balancer,
    ClientAuth,
    DrainOrder,
    HeaderCase,
    LogFormat,
    LogLevel,
    NoneHealthy,
    OnFull,
    OnRemoved,
    RecordType,
    SameSite,
    Protocol,
    SendProxy,
    TlsVersion,
    WithoutExtendedConnect
);

/// Reads one of the words of a choice.
fn choice<T: Choices>(node: &Node, report: &mut Report) -> Option<T> {
    let words: Vec<&str> = T::ALL.iter().map(|(_, word, _)| *word).collect();
    let Value::Scalar(text) = &node.value else {
        let message = format!(
            "expected {}, found {}",
            suggest::list(&words, "or"),
            node.found()
        );
        report.add(Problem::new(node.span, message));
        return None;
    };
    let found = T::ALL
        .iter()
        .find(|(_, word, _)| is_word(word, text))
        .map(|(value, _, _)| *value);
    if found.is_none() {
        let message = format!("expected {}, found `{text}`", suggest::list(&words, "or"));
        let near = suggest::nearest(text, &words).is_some() || suggest::is_reserved(text);
        let help = near.then(|| suggest::help(text, &words, "values"));
        report.add(Problem::new(node.span, message).maybe_help(help));
    }
    found
}

/// `false` is what tools that read YAML 1.1 make of an unquoted `off`.
fn is_word(word: &str, text: &str) -> bool {
    word == text || (word == "off" && text == "false")
}

/// The words of a choice.
fn choice_shape<T: Choices>() -> Shape {
    let words = T::ALL.iter().map(|(_, word, about)| Choice {
        word,
        about: prose(about),
    });
    Shape::Choice(words.collect())
}
