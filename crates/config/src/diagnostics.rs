//! What is wrong with a file, and where, ready to be shown.

pub(crate) mod render;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::Position;

/// One problem: where it is, what it is and what to do about it. Displays as a snippet of the file
/// with the place underlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub path: PathBuf,
    /// `None` when the file as a whole is meant: it cannot be read.
    pub position: Option<Position>,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it, when that is known.
    pub help: Option<String>,
    pub(crate) rendered: String,
}

impl Diagnostic {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(path: &Path, message: String) -> Self {
        let rendered = format!("error: {message}\n --> {}\n", path.display());
        Self {
            path: path.to_owned(),
            position: None,
            message,
            help: None,
            rendered,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

/// Every problem of one file, in the order of the file; at least one. Displays as all of them and
/// their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    diagnostics: Vec<Diagnostic>,
}

impl Errors {
    pub(crate) fn new(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics }
    }

    /// The problems, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(f, "{diagnostic}")?;
        }
        let path = self.diagnostics.first().map(|first| first.path.display());
        match (path, self.diagnostics.len()) {
            (Some(path), 1) => write!(f, "{path}: 1 error"),
            (Some(path), errors) => write!(f, "{path}: {errors} errors"),
            (None, _) => Ok(()),
        }
    }
}

impl std::error::Error for Errors {}
