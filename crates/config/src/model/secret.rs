//! Bytes that must not be printed.

use std::fmt;
use std::sync::Arc;

/// The content of a file that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

/// What is no secret for its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongLength {
    /// It can be guessed.
    TooShort {
        /// What there is.
        bytes: usize,
        /// What there should be.
        least: usize,
    },
    /// It is the wrong file.
    TooLong,
}

/// Longer ones are no secrets, but the wrong file.
const MAX_BYTES: usize = 4096;

impl Secret {
    /// The content of a file without the space around it.
    pub(crate) fn of_file(content: &[u8], least: usize) -> Result<Self, WrongLength> {
        let secret = content.trim_ascii();
        match secret.len() {
            bytes if bytes < least => Err(WrongLength::TooShort { bytes, least }),
            bytes if bytes > MAX_BYTES => Err(WrongLength::TooLong),
            _ => Ok(Self::new(secret)),
        }
    }

    /// Keeps a copy of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }

    /// The bytes themselves; the name says that they leave their cover here.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes, least } => {
                write!(f, "it has {bytes} bytes, and {least} are needed")
            }
            Self::TooLong => write!(
                f,
                "it holds more than the {MAX_BYTES} bytes a secret may have"
            ),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
