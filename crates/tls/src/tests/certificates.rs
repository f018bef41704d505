//! Everything that can be wrong with a pair of files, and what is said about it.

use std::time::Duration;

use crate::staple::tests::response;
use crate::testing::{bytes_file, file, identity, pems, terms};
use crate::{Acceptor, Identity, Oldest, UnixTime};

fn said(cert: &str, key: &str) -> String {
    let parsed = Identity::parse(file("tls.crt", cert), file("tls.key", key));
    parsed.unwrap_err().to_string()
}

#[track_caller]
fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{said:?} does not say {part:?}");
    }
}

#[test]
fn a_file_without_what_it_should_have_is_named() {
    let (cert, key) = pems(&["localhost"]);
    assert_says(
        &said("", &key),
        &["no certificate in `tls.crt`", "BEGIN CERTIFICATE"],
    );
    assert_says(&said(&key, &cert), &["no certificate in `tls.crt`"]);
    assert_says(&said(&cert, ""), &["no private key in `tls.key`"]);
    assert_says(&said(&cert, &cert), &["no private key in `tls.key`"]);
}

#[test]
fn text_that_is_no_pem_is_named() {
    let (cert, key) = pems(&["localhost"]);
    let cut = cert.replace("-----END CERTIFICATE-----", "");
    assert_says(&said(&cut, &key), &["`tls.crt` cannot be read as PEM"]);
    let cut = key.replace("-----END PRIVATE KEY-----", "");
    assert_says(&said(&cert, &cut), &["`tls.key` cannot be read as PEM"]);
}

#[test]
fn what_is_in_the_pem_may_be_wrong() {
    let (cert, key) = pems(&["localhost"]);
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_says(
        &said(bad, &key),
        &["first certificate in `tls.crt` cannot be used"],
    );
    let bad = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_says(
        &said(&cert, bad),
        &["key in `tls.key` cannot be used", "ECDSA"],
    );
}

#[test]
fn a_key_with_a_passphrase_is_named_with_the_way_out() {
    let (cert, _) = pems(&["localhost"]);
    for (begin, end) in [
        ("BEGIN ENCRYPTED PRIVATE KEY", "END ENCRYPTED PRIVATE KEY"),
        (
            "BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nx",
            "END EC PRIVATE KEY",
        ),
    ] {
        let key = format!("-----{begin}-----\nAAAA\n-----{end}-----\n");
        assert_says(
            &said(&cert, &key),
            &["`tls.key` is encrypted", "openssl pkey -in tls.key"],
        );
    }
}

#[test]
fn a_key_of_another_certificate_is_named() {
    let ((cert, _), (_, key)) = (pems(&["localhost"]), pems(&["localhost"]));
    let parts = [
        "`tls.key` is not that of the certificate in `tls.crt`",
        "openssl x509",
    ];
    assert_says(&said(&cert, &key), &parts);
}

#[test]
fn a_certificate_that_no_client_would_get_is_refused() {
    let refused = |identities: &[Identity]| {
        let made = Acceptor::new(identities, terms(Oldest::Tls12));
        made.unwrap_err().to_string()
    };
    let same = [identity(&["a.test"]), identity(&["A.test"])];
    assert_says(&refused(&same), &["`tls.crt` has no DNS name"]);
    let nameless = [identity(&["a.test"]), identity(&["127.0.0.1"])];
    assert_says(&refused(&nameless), &["`tls.crt` has no DNS name"]);
    assert_says(&refused(&[]), &["needs a certificate"]);
    assert!(Acceptor::new(&[identity(&["127.0.0.1"])], terms(Oldest::Tls12)).is_ok());
}

#[test]
fn a_staple_is_taken_off_when_its_time_is_over() {
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let (bare, new_year) = (identity(&["a.test"]), 1_893_456_000);
    let staple = response(&bare.serial, 0, Some("20300101000000Z"));
    let staple = bytes_file("tls.crt.ocsp", &staple);
    let stapled = bare.stapled(staple, at(new_year - 1)).unwrap();
    assert_eq!(stapled.key.ocsp.as_deref(), Some(staple.content));
    assert!(stapled.without_old_staple(at(new_year - 1)).is_none());
    let over = stapled.without_old_staple(at(new_year)).unwrap();
    assert!(over.key.ocsp.is_none() && over.without_old_staple(at(new_year)).is_none());
    let refused = bare.stapled(staple, at(new_year)).unwrap_err().to_string();
    assert_says(&refused, &["`tls.crt.ocsp`", "its time is over"]);
    let other = identity(&["a.test"]).stapled(staple, at(0)).unwrap_err();
    assert_says(&other.to_string(), &["about another certificate"]);
}
