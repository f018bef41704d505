//! Certificates, keys and authorities of a cluster that cannot be used.

use std::fs;
use std::process::Command;

use switchyard_testkit::{Certificate, Settings};

use crate::support::BINARY;

/// Runs `switchyard check` on a cluster with this `tls`, beside these files.
fn check(tls: &str, files: &[(&str, &str)]) -> (bool, String) {
    check_in(tls, files, &[])
}

fn check_in(tls: &str, files: &[(&str, &str)], environment: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let settings = Settings::to(&["127.0.0.1:9".parse().unwrap()]).cluster(tls);
    fs::write(folder.path().join("switchyard.yaml"), settings.render()).unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let output = Command::new(BINARY)
        .args(["check", "--config"])
        .arg(folder.path().join("switchyard.yaml"))
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// What `tls` below names, in its order.
fn files([ca, cert, key]: [&str; 3]) -> [(&'static str, &str); 3] {
    [("ca.pem", ca), ("own.crt", cert), ("own.key", key)]
}

#[test]
fn check_looks_into_the_files() {
    let (one, other) = (Certificate::of(&["a.test"]), Certificate::of(&["a.test"]));
    let tls = "tls: { ca: ca.pem, certificate: { cert: own.crt, key: own.key } }";
    let (good, said) = check(tls, &files([&one.pem, &one.pem, &one.key]));
    assert!(good, "{said}");
    for (ca, cert, key, expected) in [
        (&one.key, &one.pem, &one.key, "there is no certificate in"),
        (&one.pem, &one.key, &one.key, "there is no certificate in"),
        (&one.pem, &one.pem, &one.pem, "there is no private key in"),
        (
            &one.pem,
            &one.pem,
            &other.key,
            "is not that of the certificate in",
        ),
    ] {
        let (good, said) = check(tls, &files([ca, cert, key]));
        assert!(!good, "{said}");
        let inside = "cluster `main` cannot speak TLS to its endpoints";
        assert!(said.contains(inside) && said.contains(expected), "{said}");
    }
}

#[test]
fn a_machine_without_authorities_is_told_what_to_do() {
    let none = [
        ("SSL_CERT_FILE", "/nowhere/ca.pem"),
        ("SSL_CERT_DIR", "/nowhere"),
    ];
    let (good, said) = check_in("tls: {}", &[], &none);
    assert!(
        !good && said.contains("this machine has no authorities"),
        "{said}"
    );
    let (good, said) = check_in("tls: { dangerously_skip_verification: on }", &[], &none);
    assert!(good, "{said}");
}
