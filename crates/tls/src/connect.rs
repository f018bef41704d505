//! The client's handshake, and why one comes to nothing.

use std::future::poll_fn;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::client::UnbufferedClientConnection;
use tokio_rustls::rustls::{self, CertificateError};

use crate::accept::Handshake;
use crate::error::Interruption;
use crate::session::Session;
use crate::stream::TlsStream;

/// The client's end of a TLS connection over `T`.
pub type ClientStream<T> = TlsStream<T, UnbufferedClientConnection>;

/// Why there is no TLS connection to a server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The connection broke.
    #[error("the connection broke during the TLS handshake")]
    Io(#[source] io::Error),
    /// The server went away before it was done.
    #[error("the connection ended during the TLS handshake")]
    Gone,
    /// The server is not to be trusted: its certificate is nobody's that we know, not for its name, or
    /// not valid now. It has been told by an alert.
    #[error("the certificate cannot be trusted: {0}")]
    Untrusted(CertificateError),
    /// It is no TLS, none that both speak, or the server refused us.
    #[error("the TLS handshake failed")]
    Refused(#[source] rustls::Error),
}

impl ConnectError {
    /// A short word for it, from a closed list.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Io(_) => "reset",
            Self::Gone => "endpoint_gone",
            Self::Untrusted(error) => distrust(error),
            Self::Refused(rustls::Error::AlertReceived(_)) => "endpoint_refused",
            Self::Refused(rustls::Error::PeerIncompatible(_)) => "incompatible",
            Self::Refused(rustls::Error::InvalidMessage(_)) => "not_tls",
            Self::Refused(_) => "refused",
        }
    }
}

fn distrust(error: &CertificateError) -> &'static str {
    use CertificateError as E;
    // An authority that has the name of a trusted one and another key is another authority.
    if let E::UnknownIssuer | E::BadSignature = error {
        "unknown_issuer"
    } else if let E::NotValidForName | E::NotValidForNameContext { .. } = error {
        "wrong_name"
    } else if let E::Expired
    | E::ExpiredContext { .. }
    | E::NotValidYet
    | E::NotValidYetContext { .. } = error
    {
        "expired"
    } else {
        "bad_certificate"
    }
}

impl From<Interruption> for ConnectError {
    fn from(error: Interruption) -> Self {
        match error {
            Interruption::Io(error) => Self::Io(error),
            Interruption::Gone => Self::Gone,
            Interruption::Refused(rustls::Error::InvalidCertificate(error)) => {
                Self::Untrusted(error)
            }
            Interruption::Refused(error) => Self::Refused(error),
        }
    }
}

/// Whether reading or writing failed because what came is no TLS, or tells us off; and not because
/// the connection underneath broke. A server that refuses our certificate may say so only after the
/// handshake is done for us (RFC 8446 section 4.4.2.4).
#[must_use]
pub fn is_tls_failure(error: &io::Error) -> bool {
    let Some(inner) = error.get_ref() else {
        return false;
    };
    inner.is::<rustls::Error>()
}

pub(crate) async fn handshake<T>(
    io: T,
    session: Session<UnbufferedClientConnection>,
) -> Result<(ClientStream<T>, Handshake), ConnectError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = TlsStream::new(io, session);
    let handshake = poll_fn(|cx| stream.poll_handshake(cx)).await?;
    Ok((stream, handshake))
}
