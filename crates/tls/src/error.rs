//! What can be wrong with certificates, and why a handshake came to nothing.

use std::io;
use std::path::PathBuf;

use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem;
use tokio_rustls::rustls::server::VerifierBuilderError;

/// Why a listener or a cluster cannot be set up for TLS. Each names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not the PEM text it should be.
    #[error("`{file}` cannot be read as PEM: {source}", file = file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The file of the certificate has none.
    #[error(
        "there is no certificate in `{file}`: it should have `-----BEGIN CERTIFICATE-----` in it, \
         the server's own certificate first and those of its issuers behind",
        file = file.display()
    )]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// The first certificate in the file is not an X.509 certificate.
    #[error("the first certificate in `{file}` cannot be used: {source}", file = file.display())]
    BadCertificate {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: webpki::Error,
    },
    /// The file of the key has none.
    #[error(
        "there is no private key in `{file}`: it should have `-----BEGIN PRIVATE KEY-----` in it",
        file = file.display()
    )]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// The key is protected by a passphrase, and there is nobody to ask for it.
    #[error(
        "the private key in `{file}` is encrypted: `openssl pkey -in {file} -out KEY` writes it in clear",
        file = file.display()
    )]
    EncryptedKey {
        /// The file.
        file: PathBuf,
    },
    /// The key is of a kind that cannot sign here.
    #[error(
        "the private key in `{file}` cannot be used: {source}; RSA of 2048 bits or more, ECDSA on \
         P-256, P-384 or P-521, and Ed25519 can be",
        file = file.display()
    )]
    BadKey {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The key belongs to another certificate.
    #[error(
        "the private key in `{key}` is not that of the certificate in `{cert}`: \
         `openssl x509 -in {cert} -noout -pubkey` and `openssl pkey -in {key} -pubout` should say the same",
        key = key.display(), cert = cert.display()
    )]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// No client could ever be shown this certificate.
    #[error(
        "the certificate in `{file}` has no DNS name that no other before it has, so no client would get it: \
         only the first of a listener is shown to clients that name nothing",
        file = file.display()
    )]
    Unreachable {
        /// The file.
        file: PathBuf,
    },
    /// The file beside a certificate is not what clients could be shown with it.
    #[error("`{file}` cannot be shown with its certificate: {fault}", file = file.display())]
    Staple {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: StapleFault,
    },
    /// The file of authorities has no certificate.
    #[error(
        "there is no certificate in `{file}`: it should have `-----BEGIN CERTIFICATE-----` in it, once for each \
         authority that is trusted",
        file = file.display()
    )]
    NoAuthority {
        /// The file.
        file: PathBuf,
    },
    /// One of the authorities is no certificate that can sign others.
    #[error("a certificate in `{file}` cannot be an authority: {source}", file = file.display())]
    BadAuthority {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The authorities cannot be used together.
    #[error("clients cannot be asked for certificates: {0}")]
    Verifier(#[source] VerifierBuilderError),
    /// There is nothing to show.
    #[error("a listener needs a certificate to end TLS")]
    NoIdentity,
    /// No certificate could ever have this name.
    #[error("`{name}` is no name that a certificate can have")]
    ServerName {
        /// The name.
        name: Box<str>,
    },
    /// This machine trusts nobody.
    #[error(
        "this machine has no authorities that it trusts: install its `ca-certificates`, set \
         `SSL_CERT_FILE`, or name a file with those of the endpoints as `ca`{reasons}",
        reasons = if reasons.is_empty() { String::new() } else { format!(" ({reasons})") }
    )]
    NoSystemRoots {
        /// What was said where they were looked for.
        reasons: String,
    },
    /// The system has no randomness to give.
    #[error("the system has no randomness to give")]
    NoRandomness,
    /// The library refused.
    #[error("TLS could not be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// What can be wrong with a staple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StapleFault {
    /// It is something else.
    #[error("it is no OCSP response in DER, as `openssl ocsp -respout` writes it")]
    NoResponse,
    /// The issuer did not answer the question.
    #[error("the issuer had no answer; ask again")]
    Unsuccessful,
    /// Its certificate was replaced, and it was not.
    #[error("it is about another certificate; get the one for this")]
    OtherCertificate,
    /// Revoked, or unknown.
    #[error("it does not say that the certificate is good; get another certificate")]
    NotGood,
    /// Clients would refuse it.
    #[error("its time is over; get a new one")]
    Expired,
}

/// Why a handshake broke off, at either end.
#[derive(Debug)]
pub(crate) enum Interruption {
    /// The connection broke.
    Io(io::Error),
    /// The peer went away.
    Gone,
    /// The peer has been told, or has told us, by an alert.
    Refused(rustls::Error),
}

impl From<Interruption> for HandshakeError {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Io(error) => Self::Io(error),
            Interruption::Gone => Self::Gone,
            Interruption::Refused(error) => Self::Refused(error),
        }
    }
}

/// Why a handshake came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[source] io::Error),
    /// The client went away before it was done.
    #[error("the client went away")]
    Gone,
    /// It is no TLS, or none that we agree on. The client has been told by an alert.
    #[error("{0}")]
    Refused(#[source] rustls::Error),
    /// The client came back with a ticket, and its certificate has expired since.
    #[error("the client's certificate has expired since it got its ticket")]
    ClientExpired,
    /// The client's certificate is good and still cannot be read.
    #[error("the client's certificate cannot be read")]
    ClientUnreadable,
}

impl HandshakeError {
    /// A short word for it, from a closed list.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Io(_) => "reset",
            Self::Gone => "client_gone",
            Self::Refused(rustls::Error::AlertReceived(_)) => "client_refused",
            Self::Refused(rustls::Error::NoCertificatesPresented) => "no_client_cert",
            Self::Refused(rustls::Error::InvalidCertificate(_))
            | Self::ClientExpired
            | Self::ClientUnreadable => "bad_client_cert",
            Self::Refused(rustls::Error::PeerIncompatible(_)) => "incompatible",
            Self::Refused(rustls::Error::InvalidMessage(_)) => "not_tls",
            Self::Refused(_) => "refused",
        }
    }
}
