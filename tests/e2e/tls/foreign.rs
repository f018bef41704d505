//! Clients that are not ours: curl, Python's `websockets` and OpenSSL.

use std::io::{Read, Write as _};
use std::process::{Command, Stdio};

use switchyard_testkit::{Endpoint, Gateway, Settings, clients};

use super::gateway;

#[test]
fn curl_gets_an_answer() {
    let endpoint = Endpoint::named("one");
    let (gateway, _) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    let trusted = gateway.config().with_file_name("0.crt");
    let port = gateway.web().port();
    for version in ["--tlsv1.3", "--tls-max=1.2"] {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--noproxy",
            "*",
        ]);
        match version.split_once('=') {
            Some((option, value)) => curl.args([option, value]),
            None => curl.arg(version),
        };
        curl.arg("--cacert").arg(&trusted);
        curl.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
        let output = curl
            .arg(format!("https://localhost:{port}/"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{version}: {said}");
        assert_eq!(output.stdout, b"one");
    }
}

#[test]
fn pythons_websockets_echoes_every_size() {
    let (_server, address) = clients::serve("websockets_endpoint.py", &["on"]);
    let settings = Settings::to(&[address])
        .websocket("max_message: 17MiB")
        .websocket("max_frame: 17MiB");
    let (gateway, _) = gateway(settings, &[&["localhost", "127.0.0.1"]]);
    let trusted = gateway.config().with_file_name("0.crt");
    let url = format!("wss://127.0.0.1:{}/echo", gateway.web().port());
    let result = clients::run(
        "websockets_client.py",
        &[&url, "on", trusted.to_str().unwrap()],
    );
    assert_eq!(result["echoed"], 18);
    assert_eq!(result["code"], 4001);
    assert_eq!(gateway.closed()["code"], 4001);
}

/// What OpenSSL's client says of a handshake; it sends `request` and ends.
pub(super) fn s_client(gateway: &Gateway, arguments: &[&str], request: &str) -> (bool, String) {
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &gateway.web().to_string()])
        .args([
            "-servername",
            "localhost",
            "-verify_return_error",
            "-ign_eof",
        ])
        .arg("-CAfile")
        .arg(gateway.config().with_file_name("0.crt"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    // It may have ended by then, because it was refused.
    let _ = stdin.write_all(request.as_bytes());
    let output = client.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// After this the gateway closes the connection.
pub(super) const LAST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[test]
fn openssl_speaks_1_2_and_1_3_and_is_refused_1_1() {
    let endpoint = Endpoint::named("one");
    let (gateway, _) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (ended, said) = s_client(&gateway, &[version, "-alpn", "http/1.1"], LAST);
        assert!(ended && said.contains("HTTP/1.1 200 OK"), "{said}");
        assert!(said.contains(name), "{said}");
        assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    }
    let old = ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"];
    let (ended, said) = s_client(&gateway, &old, LAST);
    assert!(!ended && said.contains("alert number"), "{said}");
    let labels = [("result", "incompatible"), ("version", "none")];
    gateway.wait_metric("switchyard_tls_handshakes_total", &labels, 1);
}

/// Reads up to and including `mark`, or to the end.
fn read_through(from: &mut impl Read, mark: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(mark.as_bytes()) && from.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn openssl_updates_the_keys_of_both_sides_in_the_middle() {
    let endpoint = Endpoint::named("one");
    let (gateway, _) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &gateway.web().to_string()])
        .args(["-tls1_3", "-servername", "localhost"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    let mut stdout = client.stdout.take().unwrap();
    let mut stderr = client.stderr.take().unwrap();
    let request = LAST.replace("close", "keep-alive");
    for _ in 0..3 {
        stdin.write_all(request.as_bytes()).unwrap();
        read_through(&mut stdout, "\r\n\r\none");
        // A line that begins with K asks for new keys on both sides.
        stdin.write_all(b"K\n").unwrap();
        let said = read_through(&mut stderr, "KEYUPDATE");
        assert!(said.ends_with("KEYUPDATE"), "{said}");
    }
    stdin.write_all(LAST.as_bytes()).unwrap();
    let rest = read_through(&mut stdout, "\r\n\r\none");
    assert!(rest.contains("HTTP/1.1 200 OK"), "{rest}");
    client.wait().unwrap();
}

/// The names of all cipher suites that OpenSSL has for this version, weak and obsolete ones included.
fn suites(version: &str) -> Vec<String> {
    let output = Command::new("openssl")
        .args(["ciphers", "-s", version, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"])
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    listed.trim().split(':').map(str::to_owned).collect()
}

#[test]
fn openssl_finds_no_cipher_without_forward_secrecy_and_authentication() {
    let endpoint = Endpoint::named("one");
    let (gateway, _) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    let old = suites("-tls1_2");
    assert!(old.len() > 50, "{old:?}");
    let accepted = old.iter().filter(|suite| {
        let suite = format!("{suite}:@SECLEVEL=0");
        s_client(&gateway, &["-tls1_2", "-cipher", &suite], LAST).0
    });
    let mut accepted: Vec<_> = accepted.map(String::as_str).collect();
    accepted.sort_unstable();
    // The certificate is for ECDSA; with one for RSA they are the same three.
    let expected = [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ];
    assert_eq!(accepted, expected);
    for (suite, is_spoken) in [
        ("TLS_AES_128_GCM_SHA256", true),
        ("TLS_AES_256_GCM_SHA384", true),
        ("TLS_CHACHA20_POLY1305_SHA256", true),
        ("TLS_AES_128_CCM_SHA256", false),
        ("TLS_AES_128_CCM_8_SHA256", false),
    ] {
        let (ended, said) = s_client(&gateway, &["-tls1_3", "-ciphersuites", suite], LAST);
        assert_eq!(ended, is_spoken, "{suite}: {said}");
    }
}
