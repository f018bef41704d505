//! YAML to validated values, with diagnostics that point at the file.
//!
//! Two layers with one function between them: `raw` mirrors the file, [`model`] cannot be wrong.
//! Nothing here listens, dials or logs.

pub mod model;

mod diagnostics;

use std::path::Path;

pub use diagnostics::{Diagnostic, Errors};
pub use model::*;

/// Reads, parses and checks the file at `path`.
///
/// # Errors
/// Every problem of the file at once, in the order of the file.
pub fn load(path: &Path) -> Result<Config, Errors> {
    let _ = path;
    Err(Errors::default())
}

/// Parses and checks `text`; `origin` names it in diagnostics and is what secret files are relative to.
///
/// # Errors
/// Every problem of the text at once, in the order of the text.
pub fn parse(text: &str, origin: &Path) -> Result<Config, Errors> {
    let _ = (text, origin);
    Err(Errors::default())
}

/// The JSON Schema (2020-12) of the configuration file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    serde_json::Value::Null
}
