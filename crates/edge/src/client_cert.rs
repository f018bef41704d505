//! The certificate that a client showed, as endpoints and the access log are told of it.
//!
//! The field is written as Envoy writes it. What is in a certificate is not ours: what could end a
//! quoted string or begin another element is left out, and so is what does not fit; nothing is cut.

use http::HeaderValue;
use switchyard_tls::ClientCertificate;

/// Bytes of the field. Endpoints often take heads of 8 KiB.
const MAX_FIELD: usize = 4 * 1024;

/// What is known of a client by its certificate.
pub(crate) struct ClientCert {
    /// The value of `X-Forwarded-Client-Cert`.
    pub field: HeaderValue,
    /// The subject, if there is one.
    pub subject: Option<String>,
    /// The SHA-256 of the certificate.
    pub sha256: String,
}

impl ClientCert {
    pub(crate) fn of(shown: ClientCertificate) -> Option<Self> {
        let mut text = format!("Hash={}", shown.sha256);
        if let Some(subject) = &shown.subject {
            add(&mut text, &format!(";Subject=\"{subject}\""));
        }
        for (key, names) in [("URI", &shown.uris), ("DNS", &shown.dns)] {
            for name in names {
                if let Some(value) = value(name) {
                    add(&mut text, &format!(";{key}={value}"));
                }
            }
        }
        Some(Self {
            field: HeaderValue::from_str(&text).ok()?,
            subject: shown.subject,
            sha256: shown.sha256,
        })
    }
}

fn add(text: &mut String, element: &str) {
    if text.len().saturating_add(element.len()) <= MAX_FIELD {
        text.push_str(element);
    }
}

/// A name as the value of an element: between quotes where it has a separator in it.
fn value(name: &str) -> Option<String> {
    let can_be_quoted = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    if name.is_empty() || !name.bytes().all(can_be_quoted) {
        return None;
    }
    if name.contains([',', ';', '=']) {
        return Some(format!("\"{name}\""));
    }
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(subject: Option<&str>, uris: &[&str], dns: &[&str]) -> String {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let shown = ClientCertificate {
            sha256: "ab".to_owned(),
            subject: subject.map(str::to_owned),
            uris: owned(uris),
            dns: owned(dns),
            ..ClientCertificate::default()
        };
        let cert = ClientCert::of(shown).unwrap();
        cert.field.to_str().unwrap().to_owned()
    }

    #[test]
    fn it_is_written_as_envoy_writes_it() {
        let written = field(
            Some("CN=a,O=Acme\\, Inc."),
            &["spiffe://acme/chat"],
            &["a.test", "*.b.test"],
        );
        let expected = "Hash=ab;Subject=\"CN=a,O=Acme\\, Inc.\";URI=spiffe://acme/chat;DNS=a.test;DNS=*.b.test";
        assert_eq!(written, expected);
        assert_eq!(field(None, &[], &[]), "Hash=ab");
    }

    #[test]
    fn no_name_makes_up_an_element() {
        let hostile = [
            "x\";DNS=admin",
            "x\\",
            "x\r\nX-Admin: yes",
            "",
            "two words",
            "ë",
        ];
        assert_eq!(field(None, &hostile, &hostile), "Hash=ab");
        let separated = field(None, &["x;DNS=admin"], &["a,Hash=cd"]);
        assert_eq!(separated, "Hash=ab;URI=\"x;DNS=admin\";DNS=\"a,Hash=cd\"");
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let long = "u".repeat(2_000);
        let written = field(None, &[&long, &long, &long], &["a.test"]);
        assert!(written.len() <= MAX_FIELD);
        assert_eq!(written, format!("Hash=ab;URI={long};URI={long};DNS=a.test"));
    }
}
