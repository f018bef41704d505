//! Files that are kept with the place they came from, so that they can be read again.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::secret::Secret;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub content: Secret,
}

/// A file that cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Where it is.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl NamedFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        match crate::read(path) {
            Ok(content) => Ok(Self {
                path: path.to_owned(),
                content: Secret::new(&content),
            }),
            Err(source) => Err(Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The same of a secret, without the space around it.
    pub(crate) fn read_secret(path: &Path, least: usize) -> Result<Self, Unreadable> {
        let Self { path, content } = Self::read(path)?;
        match Secret::of_file(content.expose(), least) {
            Ok(content) => Ok(Self { path, content }),
            Err(wrong) => {
                let source = io::Error::new(io::ErrorKind::InvalidData, wrong.to_string());
                Err(Unreadable { path, source })
            }
        }
    }

    pub(crate) fn read_if_there(path: &Path) -> Result<Option<Self>, Unreadable> {
        match Self::read(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = describe(&self.source);
        write!(f, "cannot read `{}`: {cause}", self.path.display())
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// What the system said, without its number.
pub(crate) fn describe(error: &io::Error) -> String {
    let said = error.to_string();
    let (words, _) = said.split_once(" (os error").unwrap_or((&said, ""));
    words.to_owned()
}
