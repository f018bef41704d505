//! Files that the configuration names.

use std::path::{Path, PathBuf};

use super::ReadFile;
use crate::decode::At;
use crate::model::{PemFile, Secret};
use crate::report::{Problem, Report};
use crate::scalar::{File, Name, Scalar as _};

/// Shorter secrets can be guessed.
const MIN_BYTES: usize = 16;
/// Longer ones are no secrets, but the wrong file.
const MAX_BYTES: usize = 4096;

/// Reads files, relative to the directory of the configuration.
pub(super) struct Files<'a> {
    pub(super) directory: &'a Path,
    pub(super) read: ReadFile<'a>,
}

impl Files<'_> {
    /// The content of a secret file without the space around it.
    pub(super) fn secret(&self, file: &At<File>, report: &mut Report) -> Option<Secret> {
        let (path, content) = self.read(file, report)?;
        let secret = content.trim_ascii();
        if !(MIN_BYTES..=MAX_BYTES).contains(&secret.len()) {
            report.add(wrong_length(file, &path, secret.len()));
            return None;
        }
        Some(Secret::new(secret))
    }

    /// A name alone.
    pub(super) fn name(&self, file: &At<File>, report: &mut Report) -> Option<Name> {
        let (path, content) = self.read(file, report)?;
        let text = String::from_utf8_lossy(content.trim_ascii());
        let name = Name::parse(&text);
        if name.is_err() {
            let message = format!("`{}` does not hold a name", path.display());
            let help = "up to 63 letters, digits, `.`, `_` and `-`, and space around it";
            report.add(Problem::new(file.span, message).help(help));
        }
        name.ok()
    }

    /// A certificate or a key.
    pub(super) fn pem(&self, file: &At<File>, report: &mut Report) -> Option<PemFile> {
        let (path, content) = self.read(file, report)?;
        let content = Secret::new(&content);
        Some(PemFile { path, content })
    }

    fn read(&self, file: &At<File>, report: &mut Report) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.directory.join(&file.value.0);
        match (self.read)(&path) {
            Ok(content) => Some((path, content)),
            Err(error) => {
                let cause = error.to_string();
                let cause = cause.split(" (os error").next().unwrap_or_default();
                let message = format!("cannot read `{}`: {cause}", path.display());
                report.add(Problem::new(file.span, message));
                None
            }
        }
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
