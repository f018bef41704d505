//! Files with secrets in them.

use std::path::Path;

use super::ReadFile;
use crate::decode::At;
use crate::model::Secret;
use crate::report::{Problem, Report};
use crate::scalar::File;

/// Shorter secrets can be guessed.
const MIN_BYTES: usize = 16;
/// Longer ones are no secrets, but the wrong file.
const MAX_BYTES: usize = 4096;

/// Reads secrets, relative to the directory of the configuration.
pub(super) struct Secrets<'a> {
    pub(super) directory: &'a Path,
    pub(super) read: ReadFile<'a>,
}

impl Secrets<'_> {
    /// The content of a file without the space around it.
    pub(super) fn read(&self, file: &At<File>, report: &mut Report) -> Option<Secret> {
        let path = self.directory.join(&file.value.0);
        let problem = match (self.read)(&path) {
            Err(error) => {
                let cause = error.to_string();
                let cause = cause.split(" (os error").next().unwrap_or_default();
                let message = format!("cannot read `{}`: {cause}", path.display());
                Problem::new(file.span, message)
            }
            Ok(content) => match content.trim_ascii() {
                secret if (MIN_BYTES..=MAX_BYTES).contains(&secret.len()) => {
                    return Some(Secret::new(secret));
                }
                secret => wrong_length(file, &path, secret.len()),
            },
        };
        report.add(problem);
        None
    }
}

fn wrong_length(file: &At<File>, path: &Path, bytes: usize) -> Problem {
    let path = path.display();
    if bytes > MAX_BYTES {
        let message = format!("`{path}` holds more than the {MAX_BYTES} bytes a secret may have");
        return Problem::new(file.span, message).help("is it the right file?");
    }
    let message = format!("the secret in `{path}` has {bytes} bytes, and {MIN_BYTES} are needed");
    Problem::new(file.span, message).help(format!(
        "`head -c 32 /dev/urandom | base64 > {path}` makes a good one"
    ))
}
