//! Names that are defined once and referred to elsewhere.

use std::collections::BTreeMap;

use arcstr::ArcStr;

use crate::decode::{At, Known};
use crate::report::{Problem, Report};
use crate::scalar::Name;
use crate::source::Span;
use crate::suggest;

/// The names of one kind of thing.
pub(super) struct Names {
    /// `cluster`.
    kind: &'static str,
    defined: BTreeMap<ArcStr, Span>,
    /// Whether every definition could be read; if not, nothing is said to be missing.
    complete: bool,
}

impl Names {
    pub(super) fn new(kind: &'static str, complete: bool) -> Self {
        Self {
            kind,
            defined: BTreeMap::new(),
            complete,
        }
    }

    /// Reports a name that is taken. One that could not be read may be any.
    pub(super) fn define(&mut self, name: Known<&At<Name>>, report: &mut Report) {
        let Some(name) = name else {
            self.complete = false;
            return;
        };
        let text = &name.value.0;
        if let Some(first) = self.defined.get(text) {
            let message = format!("there are two {}s named `{text}`", self.kind);
            report.add(Problem::new(name.span, message).related(*first, "the first one"));
        } else {
            self.defined.insert(text.clone(), name.span);
        }
    }

    /// Reports a name that nothing has.
    pub(super) fn refer(&self, name: &At<Name>, report: &mut Report) {
        let text = &name.value.0;
        if !self.complete || self.defined.contains_key(text) {
            return;
        }
        let known: Vec<&str> = self.defined.keys().map(AsRef::as_ref).collect();
        let help = match suggest::nearest(text, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("add it to the file, under `{}s`", self.kind),
            None => format!("the {}s are {}", self.kind, suggest::list(&known, "and")),
        };
        let message = format!("there is no {} named `{text}`", self.kind);
        report.add(Problem::new(name.span, message).help(help));
    }
}
