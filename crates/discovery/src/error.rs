//! Why a source could not tell who is in a cluster.

/// Why a source could not tell who is in a cluster. The text is its own level only; what lies
/// underneath is its `source`.
#[derive(Debug, thiserror::Error)]
pub enum Error {}

impl Error {
    /// A stable metric label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match *self {}
    }
}
