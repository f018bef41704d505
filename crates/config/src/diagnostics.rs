//! What is wrong with a file, and where.

use std::fmt;

/// One problem: where it is, what it is and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line of the file, from 1.
    pub line: usize,
    /// Column of the line in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it, when we know.
    pub help: Option<String>,
}

/// Every problem of one file, in the order of the file.
#[derive(Debug, Default)]
pub struct Errors {
    diagnostics: Vec<Diagnostic>,
}

impl Errors {
    /// The problems, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostics
            .iter()
            .try_for_each(|diagnostic| writeln!(f, "{}", diagnostic.message))
    }
}

impl std::error::Error for Errors {}
