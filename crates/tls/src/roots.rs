//! The authorities whose word is taken: those of the system, or those of a file.

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::error::Error;
use crate::identity::File;

/// Those that this machine trusts, read where its distribution keeps them, or where
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` say.
pub(crate) fn of_the_system() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // One that is too old or too odd to be read is no reason to do without all others.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reasons: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let reasons = reasons.join("; ");
        return Err(Error::NoSystemRoots { reasons });
    }
    Ok(roots)
}

/// Those in `file`: each has to be one.
pub(crate) fn of(file: File<'_>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(file.content) {
        let certificate = certificate.map_err(|source| Error::Pem {
            file: file.path.into(),
            source,
        })?;
        let added = roots.add(certificate);
        added.map_err(|source| Error::BadAuthority {
            file: file.path.into(),
            source,
        })?;
    }
    if roots.is_empty() {
        let file = file.path.into();
        return Err(Error::NoAuthority { file });
    }
    Ok(roots)
}
