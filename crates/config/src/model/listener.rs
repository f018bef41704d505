//! An address that the gateway accepts on.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arcstr::ArcStr;

use super::choice::choice;
use super::file::{NamedFile, Unreadable};
use super::secret::Secret;

/// An address that the gateway accepts on, with its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Unique among the listeners.
    pub name: ArcStr,
    /// Port 0 lets the system choose.
    pub address: SocketAddr,
    /// Connections accepted at the same time, over all workers.
    pub max_connections: NonZeroU32,
    /// A request head must be complete this long after its connection, or the one before it.
    pub handshake_timeout: Duration,
    /// Other than `off` only where there are trusted proxies.
    pub proxy_protocol: AcceptProxy,
    /// `None`: nothing is encrypted.
    pub tls: Option<Tls>,
    /// `None`: HTTP/1.1 is all that is spoken.
    pub http2: Option<Http2>,
}

/// How HTTP/2 is spoken with clients: those that agree to it by ALPN (RFC 7301), and without TLS those
/// that begin with it (RFC 9113 section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2 {
    /// Whether WebSockets may be opened by an extended CONNECT (RFC 8441).
    pub extended_connect: bool,
    /// Requests and sessions that a connection may have at a time.
    pub max_concurrent_streams: NonZeroU32,
}

/// How a listener ends TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// At least one; the first is for clients that ask for no name that is here.
    pub certificates: Vec<Certificate>,
    /// The oldest version that clients may speak.
    pub min_version: TlsVersion,
    /// Handshakes that each worker does at the same time.
    pub handshakes_at_once: NonZeroU32,
    /// What the keys of tickets are derived from; without it each process has its own.
    pub ticket_key: Option<TicketKey>,
    /// Whom clients' certificates must come from; without it they are not asked for one.
    pub client_ca: Option<ClientCa>,
}

impl Tls {
    /// Every file that it is read from, whether it exists or not.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let certificates = self.certificates.iter().flat_map(Certificate::paths);
        let ticket_key = self.ticket_key.iter().map(|key| key.file.path.clone());
        let client_ca = self.client_ca.iter().map(|ca| ca.file.path.clone());
        certificates.chain(ticket_key).chain(client_ca).collect()
    }

    /// The same with nothing in its files.
    fn without_contents(&self) -> Self {
        let emptied = |file: &NamedFile| NamedFile {
            path: file.path.clone(),
            content: Secret::new(&[]),
        };
        let mut tls = self.clone();
        for pair in &mut tls.certificates {
            pair.cert = emptied(&pair.cert);
            pair.key = emptied(&pair.key);
            pair.staple = None;
        }
        if let Some(key) = &mut tls.ticket_key {
            key.file = emptied(&key.file);
        }
        if let Some(ca) = &mut tls.client_ca {
            ca.file = emptied(&ca.file);
        }
        tls
    }
}

impl Listener {
    /// The same with nothing in the files of its TLS.
    pub(crate) fn without_contents(&self) -> Self {
        Self {
            tls: self.tls.as_ref().map(Tls::without_contents),
            ..self.clone()
        }
    }
}

/// The file with the authority that signs the certificates of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCa {
    /// Its path as it was written: what it is called in logs.
    pub name: ArcStr,
    /// The file, in PEM.
    pub file: NamedFile,
    /// Whether clients may do without.
    pub demand: ClientAuth,
}

impl ClientCa {
    /// The same from the file as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_again(&self) -> Result<Self, Unreadable> {
        Ok(Self {
            name: self.name.clone(),
            file: NamedFile::read(&self.file.path)?,
            demand: self.demand,
        })
    }
}

choice! {
    /// Whether a client may do without a certificate.
    ClientAuth {
        /// It may not.
        Required = "required",
        /// It may; one that it does show must be good.
        Optional = "optional",
    }
}

/// The file with the secret of the tickets. Space around it is none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketKey {
    /// Its path as it was written: what it is called in logs.
    pub name: ArcStr,
    /// The file, at least 32 bytes of it.
    pub file: NamedFile,
}

impl TicketKey {
    /// Shorter ones can be guessed, and every session that began with a ticket be read.
    pub(crate) const MIN_BYTES: usize = 32;

    /// The same from the file as it is now.
    ///
    /// # Errors
    /// It cannot be read, or is no secret.
    pub fn read_again(&self) -> Result<Self, Unreadable> {
        Ok(Self {
            name: self.name.clone(),
            file: NamedFile::read_secret(&self.file.path, Self::MIN_BYTES)?,
        })
    }
}

/// A certificate and its key, as they stand in their files. What is in them is for `tls` to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The path of `cert` as it was written: what the pair is called in metrics and logs.
    pub name: ArcStr,
    /// The certificate and its chain, in PEM.
    pub cert: NamedFile,
    /// The private key, in PEM.
    pub key: NamedFile,
    /// What the issuer says about the certificate (OCSP, in DER), where it lies beside it.
    pub staple: Option<NamedFile>,
}

/// What is behind the path of a certificate in that of its staple.
const STAPLE: &str = ".ocsp";

impl Certificate {
    /// Every file that makes a difference, whether it exists or not.
    pub fn paths(&self) -> [PathBuf; 3] {
        let cert = self.cert.path.clone();
        let staple = Self::staple_path(&cert);
        [cert, self.key.path.clone(), staple]
    }

    /// The same from the files as they are now.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn read_again(&self) -> Result<Self, Unreadable> {
        Ok(Self {
            name: self.name.clone(),
            cert: NamedFile::read(&self.cert.path)?,
            key: NamedFile::read(&self.key.path)?,
            staple: NamedFile::read_if_there(&Self::staple_path(&self.cert.path))?,
        })
    }

    pub(crate) fn staple_path(cert: &Path) -> PathBuf {
        let mut path = cert.as_os_str().to_owned();
        path.push(STAPLE);
        path.into()
    }
}

choice! {
    /// Which PROXY header a connection begins with.
    AcceptProxy {
        /// None.
        Off = "off",
        /// One of version 1, which is text.
        V1 = "v1",
        /// One of version 2, which is binary.
        V2 = "v2",
        /// One of either version.
        Any = "any",
    }
}

choice! {
    /// A version of TLS.
    TlsVersion {
        /// RFC 5246.
        Tls12 = "1.2",
        /// RFC 8446.
        Tls13 = "1.3",
    }
}
