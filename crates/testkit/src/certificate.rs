//! Certificates of a test's own, made when it runs.

use std::time::Duration;

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
        Self::made(names, |_| {})
    }

    /// The same, and no longer valid.
    pub fn expired(names: &[&str]) -> Self {
        Self::made(names, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    /// The same until a time, in seconds since 1970.
    pub fn until(names: &[&str], expires: u64) -> Self {
        Self::made(names, |params| {
            params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(expires);
        })
    }

    fn made(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        Self {
            pem: made.pem(),
            key: key.serialize_pem(),
            der: made.der().clone(),
        }
    }
}
