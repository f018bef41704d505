//! Collects problems while a file is read, so that all of them are told at once.

use crate::diagnostics::{Errors, render};
use crate::source::{Source, Span};

/// One problem, before it is rendered.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) related: Option<Related>,
}

/// Another place that explains a problem.
#[derive(Debug)]
pub(crate) struct Related {
    pub(crate) span: Span,
    pub(crate) label: String,
}

impl Problem {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
            related: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub(crate) fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some(Related {
            span,
            label: label.into(),
        });
        self
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// In the order of the file.
    pub(crate) fn into_errors(mut self, source: &Source<'_>) -> Errors {
        self.problems.sort_by_key(|problem| problem.span.start);
        // What stands behind an anchor is read once for each alias.
        self.problems
            .dedup_by(|a, b| a.span == b.span && a.message == b.message);
        Errors::new(
            self.problems
                .iter()
                .map(|problem| render::diagnostic(problem, source))
                .collect(),
        )
    }
}
