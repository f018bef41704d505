//! Clients that are asked who they are.

use std::time::Duration;

use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::testing::{Client, Pair, file, identity, terms};
use crate::{Acceptor, Authority, ClientCertificate, Demand, Oldest, Resumption, Terms, UnixTime};

/// 2030-01-01.
const NEW_YEAR: u64 = 1_893_456_000;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued(by: &CertifiedIssuer<'static, KeyPair>) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Alice");
    params.distinguished_name.push(
        DnType::CustomDnType(vec![1, 2, 3]),
        rcgen::DnValue::Utf8String("x".to_owned()),
    );
    params.not_after = date_time_ymd(2030, 1, 1);
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, by).unwrap().der().clone()
}

fn parsed(authority: &CertifiedIssuer<'static, KeyPair>, demand: Demand) -> Authority {
    Authority::parse(file("ca.crt", &authority.pem()), demand).unwrap()
}

#[test]
fn a_ticket_of_nobody_is_nothing_where_somebody_is_asked_for() {
    let (identities, ca) = ([identity(&["localhost"])], authority());
    let terms = Terms {
        clients: Some(parsed(&ca, Demand::Optional)),
        ..terms(Oldest::Tls12)
    };
    let acceptor = Acceptor::new(&identities, terms).unwrap();
    for client in [Client::of(&identities), Client::tls12(&identities)] {
        acceptor.ask(&parsed(&ca, Demand::Optional)).unwrap();
        for expected in [Resumption::Full, Resumption::Resumed] {
            let mut pair = Pair::of(&acceptor, client.connect("localhost")).unwrap();
            assert_eq!(pair.handshake.client, None);
            assert_eq!(pair.handshake.resumption, expected);
            pair.heard();
        }
        acceptor.ask(&parsed(&ca, Demand::Required)).unwrap();
        let refused = Pair::of(&acceptor, client.connect("localhost"));
        assert_eq!(refused.err().unwrap().reason(), "no_client_cert");
    }
}

#[test]
fn what_a_certificate_says_is_read() {
    let der = issued(&authority());
    let read = ClientCertificate::parse(&der).unwrap();
    assert_eq!(read.subject.as_deref(), Some("1.2.3=#0c0178,CN=Alice"));
    assert_eq!(read.dns, ["a.test"]);
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    assert!(!read.has_expired(at(NEW_YEAR)));
    assert!(read.has_expired(at(NEW_YEAR + 1)));
}

#[test]
fn a_file_that_is_no_authority_is_named() {
    for content in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let refused = Authority::parse(file("ca.crt", content), Demand::Required);
        assert!(refused.unwrap_err().to_string().contains("`ca.crt`"));
    }
}

proptest! {
    #[test]
    fn nothing_in_a_certificate_can_panic(at: prop::sample::Index, value: u8) {
        let der = issued(&authority());
        let mut der = der.to_vec();
        let at = at.index(der.len());
        der[at] = value;
        let _ = ClientCertificate::parse(&der);
        let _ = ClientCertificate::parse(&der[..at]);
    }
}
