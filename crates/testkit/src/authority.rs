//! An authority that signs the certificates of clients.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};

use crate::certificate::Certificate;

/// What a certificate says about its owner.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claims<'a> {
    /// CN of the subject.
    pub name: &'a str,
    /// O of the subject.
    pub organization: &'a str,
    /// URIs among the alternative names.
    pub uris: &'a [&'a str],
    /// DNS names among them.
    pub dns: &'a [&'a str],
    /// When it expires, in seconds since 1970; far away without.
    pub expires: Option<u64>,
}

/// The authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// One that nobody has heard of.
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key);
        Self {
            issuer: issuer.expect("a certificate"),
        }
    }

    /// Its certificate, as the text of a PEM file.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs what a client says about itself, whatever that is.
    pub fn issue(&self, claims: Claims<'_>) -> Certificate {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, text) in [
            (DnType::OrganizationName, claims.organization),
            (DnType::CommonName, claims.name),
        ] {
            if !text.is_empty() {
                params.distinguished_name.push(kind, text);
            }
        }
        let text = |text: &&str| (*text).try_into().expect("ASCII");
        let uris = claims.uris.iter().map(text).map(SanType::URI);
        let dns = claims.dns.iter().map(text).map(SanType::DnsName);
        params.subject_alt_names = uris.chain(dns).collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if let Some(expires) = claims.expires {
            params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(expires);
        }
        let key = KeyPair::generate().expect("a key");
        let made = params.signed_by(&key, &self.issuer).expect("a certificate");
        Certificate {
            pem: made.pem(),
            key: key.serialize_pem(),
            der: made.der().clone(),
        }
    }
}
