//! What the issuer says about a certificate, shown with it. OpenSSL makes it and looks at it.

use std::fs;
use std::path::Path;
use std::process::Command;

use switchyard_testkit::{Certificate, Endpoint, Gateway, Settings, eventually};

use super::foreign::{LAST, s_client};
use super::gateway;
use super::rotation::{beside, replace, wait_problem, wait_reloads};

const SEEN: &str = "OCSP Response Status: successful (0x0)";

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A response that a certificate gives about itself, for a day.
fn response(certificate: &Certificate) -> Vec<u8> {
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("it.crt", &certificate.pem);
    write("it.key", &certificate.key);
    let serial = openssl(
        folder.path(),
        &["x509", "-in", "it.crt", "-noout", "-serial"],
    );
    let serial = serial.trim().strip_prefix("serial=").unwrap();
    write(
        "index",
        &format!("V\t400101000000Z\t\t{serial}\tunknown\t/CN=it\n"),
    );
    let ask = [
        "ocsp", "-issuer", "it.crt", "-cert", "it.crt", "-reqout", "ask",
    ];
    openssl(folder.path(), &ask);
    let answer = [
        "ocsp", "-index", "index", "-CA", "it.crt", "-rsigner", "it.crt", "-rkey", "it.key",
        "-reqin", "ask", "-ndays", "1", "-respout", "answer",
    ];
    openssl(folder.path(), &answer);
    fs::read(folder.path().join("answer")).unwrap()
}

/// What OpenSSL says of a handshake in which it asks for a staple.
fn asked(gateway: &Gateway, version: &str) -> String {
    let (ended, said) = s_client(gateway, &[version, "-status"], LAST);
    assert!(ended, "{said}");
    said
}

#[test]
fn a_staple_comes_changes_and_goes_with_its_file() {
    let endpoint = Endpoint::named("one");
    let (gateway, certificates) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    assert!(asked(&gateway, "-tls1_3").contains("no response sent"));
    replace(&gateway, "0.crt.ocsp", response(&certificates[0]));
    wait_reloads(&gateway, "ok", 1);
    for version in ["-tls1_2", "-tls1_3"] {
        let said = asked(&gateway, version);
        assert!(
            said.contains(SEEN) && said.contains("Cert Status: good"),
            "{said}"
        );
    }
    let other = response(&Certificate::of(&["localhost"]));
    replace(&gateway, "0.crt.ocsp", other);
    wait_problem(&gateway, "0.crt", "it is about another certificate");
    eventually("no staple", || {
        asked(&gateway, "-tls1_3")
            .contains("no response sent")
            .then_some(())
    });
    wait_reloads(&gateway, "failed", 1);
    replace(&gateway, "0.crt.ocsp", response(&certificates[0]));
    eventually("a staple", || {
        asked(&gateway, "-tls1_3").contains(SEEN).then_some(())
    });
    fs::remove_file(beside(&gateway, "0.crt.ocsp")).unwrap();
    eventually("no staple", || {
        asked(&gateway, "-tls1_3")
            .contains("no response sent")
            .then_some(())
    });
}
