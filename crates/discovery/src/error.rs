//! Why a source could not tell who is in a cluster.

use crate::dns;

/// Why a source could not tell who is in a cluster. The text is its own level only; what lies
/// underneath is its `source`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // --- DNS ---
    /// A name could not be looked up.
    #[error("cannot look up `{name}`")]
    Dns {
        /// The name; where only a target of an SRV record failed, that target.
        name: String,
        /// What went wrong.
        source: dns::Failure,
    },
}

impl Error {
    /// A stable metric label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Dns { source, .. } => source.reason(),
        }
    }
}
