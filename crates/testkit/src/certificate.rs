//! Certificates of a test's own, made when it runs.

use rcgen::generate_simple_self_signed;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// A certificate that signed itself, so that it is also what a client has to trust.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate, as the text of a PEM file.
    pub pem: String,
    /// Its key, as the text of a PEM file.
    pub key: String,
    /// The certificate, as it is shown in a handshake.
    pub der: CertificateDer<'static>,
}

impl Certificate {
    /// For these names and addresses.
    pub fn of(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let made = generate_simple_self_signed(names).expect("names");
        Self {
            pem: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
            der: made.cert.der().clone(),
        }
    }
}
