//! Why a source could not tell who is in a cluster.

use std::io;
use std::path::PathBuf;

use tokio_rustls::rustls;

use crate::dns;

/// Why a source could not tell who is in a cluster. The text is its own level only; what lies
/// underneath is its `source`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // --- Kubernetes ---
    /// What is needed to ask the API server is in a file that cannot be read.
    #[error("cannot read {}", path.display())]
    ApiUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The kubeconfig is not one.
    #[error("cannot make sense of the kubeconfig")]
    ApiConfig(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Where the API server is, or who asks it, is missing or said in a way that is not understood.
    #[error("cannot tell how to ask the API server: {0}")]
    ApiAccess(String),
    /// The certificate or the key with which the API server is asked does not work.
    #[error("cannot use the client certificate for the API server")]
    ApiCertificate(#[source] rustls::Error),
    /// No connection to the API server, or no agreement on TLS.
    #[error("cannot reach the API server")]
    ApiUnreachable(#[source] io::Error),
    /// The API server took too long.
    #[error("the API server did not answer in time")]
    ApiSilent,
    /// The connection to the API server ended in the midst of an answer.
    #[error("the API server did not end its answer")]
    ApiBroken(#[source] hyper::Error),
    /// The API server answered that it will not.
    #[error("the API server answered {status}: {message}")]
    ApiRefused {
        /// The status, as of HTTP.
        status: u16,
        /// What it says.
        message: String,
    },
    /// The API server's answer is not what its API says.
    #[error("cannot make sense of the API server's answer")]
    ApiNonsense(#[source] serde_json::Error),
    /// The API server's answer is larger than any that makes sense.
    #[error("the API server's answer is too large")]
    ApiTooLarge,
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
    /// Whether whoever was asked has answered, namely that there is nobody.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Dns { source, .. } if source.is_answer())
    }

    /// A stable metric label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ApiUnreadable { .. }
            | Self::ApiConfig(_)
            | Self::ApiAccess(_)
            | Self::ApiCertificate(_) => "api_access",
            Self::ApiUnreachable(_) => "api_unreachable",
            Self::ApiSilent => "api_silent",
            Self::ApiBroken(_) => "api_broken",
            Self::ApiRefused { .. } => "api_refused",
            Self::ApiNonsense(_) | Self::ApiTooLarge => "api_nonsense",
            Self::Dns { source, .. } => source.reason(),
        }
    }
}
