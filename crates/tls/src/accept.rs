//! The handshake, and what is known when it is done.

use std::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::{CommonState, HandshakeKind, ProtocolVersion};

use crate::acceptor::HTTP2;
use crate::client::ClientCertificate;
use crate::error::HandshakeError;
use crate::hello::Greeted;
use crate::session::Session;
use crate::stream::TlsStream;

/// How a handshake went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Which version of TLS.
    pub version: Version,
    /// Whether the client had been here before.
    pub resumption: Resumption,
    /// What is spoken inside.
    pub application: Application,
    /// Who the client is, where it was asked and said so.
    pub client: Option<Box<ClientCertificate>>,
}

/// A protocol inside TLS, as the two sides agreed on it (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Application {
    /// Also that of clients that offer nothing.
    Http1,
    /// Where both offer it.
    Http2,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.2 (RFC 5246).
    Tls12,
    /// 1.3 (RFC 8446).
    Tls13,
}

/// Whether a ticket saved the client and us the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumption {
    /// The client brought a ticket that we gave it before.
    Resumed,
    /// A whole handshake.
    Full,
}

pub(crate) async fn handshake<T>(
    greeted: Greeted<T>,
    session: Session,
) -> Result<(TlsStream<T>, Handshake), HandshakeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = TlsStream::new(greeted.io, session);
    stream.hear(&greeted.hello);
    drop(greeted.hello);
    let mut handshake = poll_fn(|cx| stream.poll_handshake(cx)).await?;
    handshake.client = client(stream.peer_chain())?;
    Ok((stream, handshake))
}

impl Handshake {
    /// Without the client, whom only a server is to look at.
    pub(crate) fn of(connection: &CommonState) -> Self {
        Self {
            client: None,
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => Version::Tls12,
                _ => Version::Tls13,
            },
            resumption: match connection.handshake_kind() {
                Some(HandshakeKind::Resumed) => Resumption::Resumed,
                _ => Resumption::Full,
            },
            application: match connection.alpn_protocol() {
                Some(HTTP2) => Application::Http2,
                _ => Application::Http1,
            },
        }
    }
}

/// The library has looked at it in this handshake, or in the one that the client goes on from.
fn client(chain: &[CertificateDer<'_>]) -> Result<Option<Box<ClientCertificate>>, HandshakeError> {
    let Some(own) = chain.first() else {
        return Ok(None);
    };
    let client = ClientCertificate::parse(own).ok_or(HandshakeError::ClientUnreadable)?;
    if client.has_expired(UnixTime::now()) {
        return Err(HandshakeError::ClientExpired);
    }
    Ok(Some(Box::new(client)))
}
