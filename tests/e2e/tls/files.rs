//! Certificates and keys that cannot be used.

use std::fs;
use std::process::Command;

use serde_json::json;
use switchyard_testkit::{Certificate, Settings};

use crate::support::BINARY;

/// Runs `switchyard check` beside these files.
fn check(files: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let settings = Settings::to(&["127.0.0.1:9".parse().unwrap()])
        .listener("tls: { certificates: [{ cert: tls.crt, key: tls.key }] }");
    fs::write(folder.path().join("switchyard.yaml"), settings.render()).unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let output = Command::new(BINARY)
        .args(["check", "--config"])
        .arg(folder.path().join("switchyard.yaml"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn check_looks_into_the_files() {
    let (one, other) = (Certificate::of(&["a.test"]), Certificate::of(&["a.test"]));
    let (good, said) = check(&[("tls.crt", &one.pem), ("tls.key", &one.key)]);
    assert!(good, "{said}");
    let inside = "listener `web` cannot end TLS";
    for (files, expected) in [
        (
            json!({ "tls.crt": one.pem }),
            ["switchyard.yaml:4:49", "cannot read"],
        ),
        (
            json!({ "tls.crt": one.pem, "tls.key": other.key }),
            [inside, "tls.key` is not that of the certificate in"],
        ),
        (
            json!({ "tls.crt": one.key, "tls.key": one.pem }),
            [inside, "there is no certificate in"],
        ),
    ] {
        let files = files.as_object().unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_str().unwrap()))
            .collect();
        let (good, said) = check(&files);
        assert!(!good, "{said}");
        assert!(expected.iter().all(|part| said.contains(part)), "{said}");
    }
}
