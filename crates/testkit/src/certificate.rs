//! Certificates of a test's own, made when it runs.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
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
        Self::made(&params(names))
    }

    /// The same, and no longer valid.
    pub fn expired(names: &[&str]) -> Self {
        let mut params = params(names);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        Self::made(&params)
    }

    fn made(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        Self {
            pem: made.pem(),
            key: key.serialize_pem(),
            der: made.der().clone(),
        }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).expect("names")
}
