//! Who a client has shown that it is.
//!
//! Everything in a certificate is the client's or its issuer's to choose, so nothing is taken over
//! as it stands: a subject is written so that it is printable and no quote is in it, and what would be too long is
//! left out whole. Half a name would be another's.

use aws_lc_rs::digest::{SHA256, digest};
use tokio_rustls::rustls::pki_types::UnixTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use crate::subject;

/// Names of one kind that are looked at.
const MAX_NAMES: usize = 16;

/// Bytes of one name: what a SPIFFE ID may have.
const MAX_NAME: usize = 2048;

/// A client's certificate, which its authority has signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The SHA-256 of the certificate in DER, in lower-case hexadecimal.
    pub sha256: String,
    /// The subject as RFC 4514 writes it, in printable ASCII without quotes; none if it has none
    /// or one of more than 1 KiB.
    pub subject: Option<String>,
    /// URIs among its alternative names.
    pub uris: Vec<String>,
    /// DNS names among its alternative names.
    pub dns: Vec<String>,
    /// When it expires, in Unix time.
    pub expires: i64,
}

impl ClientCertificate {
    /// `None`: it cannot be read.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let names = parsed.subject_alternative_name().ok()?;
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        Some(Self {
            sha256: hex(digest(&SHA256, der).as_ref()),
            subject: subject::write(parsed.subject()),
            uris: bounded(names, uri),
            dns: bounded(names, dns),
            expires: parsed.validity().not_after.timestamp(),
        })
    }

    /// Whether its time is over. In a handshake that is seen; a ticket may outlive it.
    pub(crate) fn has_expired(&self, now: UnixTime) -> bool {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.expires < now
    }
}

fn uri<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    if let GeneralName::URI(uri) = name {
        return Some(uri);
    }
    None
}

fn dns<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    if let GeneralName::DNSName(name) = name {
        return Some(name);
    }
    None
}

fn bounded<'a>(
    names: &[GeneralName<'a>],
    kind: fn(&GeneralName<'a>) -> Option<&'a str>,
) -> Vec<String> {
    let short = names.iter().filter_map(kind);
    let short = short.filter(|name| name.len() <= MAX_NAME);
    short.take(MAX_NAMES).map(str::to_owned).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}
