//! Files that the configuration names.

use std::io;
use std::path::{Path, PathBuf};

use super::ReadFile;
use crate::decode::At;
use crate::model::{NamedFile, Secret, WrongLength, describe};
use crate::report::{Problem, Report};
use crate::scalar::{File, Name, Scalar as _};

/// Shorter secrets can be guessed.
const MIN_BYTES: usize = 16;

/// Reads files, relative to the directory of the configuration.
pub(super) struct Files<'a> {
    pub(super) directory: &'a Path,
    pub(super) read: ReadFile<'a>,
}

impl Files<'_> {
    /// The content of a secret file without the space around it.
    pub(super) fn secret(&self, file: &At<File>, report: &mut Report) -> Option<Secret> {
        let secret = self.secret_of(file, MIN_BYTES, report)?;
        Some(secret.content)
    }

    /// The same of at least so many bytes, with its place.
    pub(super) fn secret_of(
        &self,
        file: &At<File>,
        least: usize,
        report: &mut Report,
    ) -> Option<NamedFile> {
        let (path, content) = self.read(file, report)?;
        match Secret::of_file(&content, least) {
            Ok(content) => Some(NamedFile { path, content }),
            Err(wrong) => {
                report.add(wrong_length(file, &path, wrong));
                None
            }
        }
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

    /// A file for others to look into.
    pub(super) fn whole(&self, file: &At<File>, report: &mut Report) -> Option<NamedFile> {
        let (path, content) = self.read(file, report)?;
        let content = Secret::new(&content);
        Some(NamedFile { path, content })
    }

    /// The file at `path`, which `file` leads to, where there is one.
    pub(super) fn beside(
        &self,
        path: PathBuf,
        file: &At<File>,
        report: &mut Report,
    ) -> Option<NamedFile> {
        match (self.read)(&path) {
            Ok(content) => {
                let content = Secret::new(&content);
                Some(NamedFile { path, content })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                report.add(unreadable(file, &path, &error));
                None
            }
        }
    }

    fn read(&self, file: &At<File>, report: &mut Report) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.directory.join(&file.value.0);
        match (self.read)(&path) {
            Ok(content) => Some((path, content)),
            Err(error) => {
                report.add(unreadable(file, &path, &error));
                None
            }
        }
    }
}

fn unreadable(file: &At<File>, path: &Path, error: &io::Error) -> Problem {
    let message = format!("cannot read `{}`: {}", path.display(), describe(error));
    Problem::new(file.span, message)
}

fn wrong_length(file: &At<File>, path: &Path, wrong: WrongLength) -> Problem {
    let path = path.display();
    let problem = Problem::new(file.span, format!("`{path}` is no secret: {wrong}"));
    match wrong {
        WrongLength::TooLong => problem.help("is it the right file?"),
        WrongLength::TooShort { .. } => problem.help(format!(
            "`head -c 32 /dev/urandom | base64 > {path}` makes a good one"
        )),
    }
}
