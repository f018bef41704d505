//! A certificate with its chain and its key, from the text of two files.
//!
//! Reading the files is the caller's; everything that can be wrong with a pair is said here.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SigningKey};
use webpki::EndEntityCert;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::error::Error;
use crate::staple::Staple;

/// What a key looks like that a passphrase protects: PKCS #8, and the older form.
const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];

/// A file and what is in it.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Where it is, for messages.
    pub path: &'a Path,
    /// Its content.
    pub content: &'a [u8],
}

/// Who the server can show that it is: a certificate, its chain and its key, which belong together.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(crate) key: Arc<CertifiedKey>,
    /// The DNS names of the certificate in lower case, with a `*.` where it has one.
    pub(crate) names: Vec<Box<str>>,
    pub(crate) file: Box<Path>,
    pub(crate) serial: Box<[u8]>,
    expires: i64,
    staple: Option<Staple>,
}

/// What is read of a certificate beside its names.
struct Facts {
    serial: Box<[u8]>,
    expires: i64,
}

impl Identity {
    /// Reads a certificate and its key from the PEM text of their files.
    ///
    /// # Errors
    /// See [`Error`]: each says which file is wrong and how.
    pub fn parse(cert: File<'_>, key: File<'_>) -> Result<Self, Error> {
        let chain = chain(cert)?;
        let names = names(cert, &chain)?;
        let Facts { serial, expires } = facts(cert, &chain)?;
        let identity = CertifiedKey::new(chain, signing_key(key)?);
        // A key whose public half cannot be had is believed: signing will tell.
        if let Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) =
            identity.keys_match()
        {
            let (cert, key) = (cert.path.into(), key.path.into());
            return Err(Error::Mismatch { cert, key });
        }
        Ok(Self {
            key: Arc::new(identity),
            names,
            file: cert.path.into(),
            serial,
            expires,
            staple: None,
        })
    }

    /// The same with what the issuer says about the certificate, which clients that ask are shown.
    ///
    /// # Errors
    /// The file has nothing that they could be shown.
    pub fn stapled(&self, response: File<'_>, now: UnixTime) -> Result<Self, Error> {
        let staple = Staple::parse(response, &self.serial, now)?;
        Ok(self.with(Some(staple)))
    }

    /// The same without it, where its time is over.
    pub fn without_old_staple(&self, now: UnixTime) -> Option<Self> {
        let staple = self.staple.as_ref()?;
        staple.is_over(now).then(|| self.with(None))
    }

    /// When the certificate expires, in Unix time.
    pub fn expires(&self) -> i64 {
        self.expires
    }

    fn with(&self, staple: Option<Staple>) -> Self {
        let mut key = CertifiedKey::clone(&self.key);
        key.ocsp = staple.as_ref().map(|staple| staple.der.clone());
        Self {
            key: Arc::new(key),
            staple,
            ..self.clone()
        }
    }
}

fn chain(file: File<'_>) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file.content).collect();
    let chain = chain.map_err(|source| Error::Pem {
        file: file.path.into(),
        source,
    })?;
    if chain.is_empty() {
        let file = file.path.into();
        return Err(Error::NoCertificate { file });
    }
    Ok(chain)
}

fn names(file: File<'_>, chain: &[CertificateDer<'_>]) -> Result<Vec<Box<str>>, Error> {
    let Some(own) = chain.first() else {
        return Ok(Vec::new());
    };
    let parsed = EndEntityCert::try_from(own).map_err(|source| Error::BadCertificate {
        file: file.path.into(),
        source,
    })?;
    let names = parsed.valid_dns_names();
    Ok(names.map(|name| name.to_ascii_lowercase().into()).collect())
}

fn facts(file: File<'_>, chain: &[CertificateDer<'_>]) -> Result<Facts, Error> {
    let own = chain.first().map(AsRef::as_ref).unwrap_or_default();
    let (_, own) = X509Certificate::from_der(own).map_err(|_nom| Error::BadCertificate {
        file: file.path.into(),
        source: webpki::Error::BadDer,
    })?;
    Ok(Facts {
        serial: own.raw_serial().into(),
        expires: own.validity().not_after.timestamp(),
    })
}

fn signing_key(file: File<'_>) -> Result<Arc<dyn SigningKey>, Error> {
    let path = || file.path.into();
    let is_encrypted = |mark: &&[u8]| file.content.windows(mark.len()).any(|part| part == *mark);
    if ENCRYPTED.iter().any(is_encrypted) {
        return Err(Error::EncryptedKey { file: path() });
    }
    let key = PrivateKeyDer::from_pem_slice(file.content);
    let key = key.map_err(|source| no_key(file, source))?;
    aws_lc_rs::sign::any_supported_type(&key).map_err(|source| Error::BadKey {
        file: path(),
        source,
    })
}

fn no_key(file: File<'_>, source: pem::Error) -> Error {
    let file = file.path.into();
    if matches!(source, pem::Error::NoItemsFound) {
        Error::NoKey { file }
    } else {
        Error::Pem { file, source }
    }
}
