//! An endpoint that is not ours: `ws` in node, behind node's own TLS.

use switchyard_testkit::{Certificate, Gateway, Settings, clients};
use tempfile::TempDir;

use crate::support::BINARY;

/// Echoes every size; `compression` as the helpers want it.
#[track_caller]
fn echo(compression: &str) {
    let certificate = Certificate::of(&["127.0.0.1"]);
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (cert, key) = (
        file("tls.crt", &certificate.pem),
        file("tls.key", &certificate.key),
    );
    let (_server, address) = clients::serve("ws_endpoint.mjs", &[compression, &cert, &key]);
    let settings = Settings::to(&[address])
        .cluster("tls: { ca: ca.pem }")
        .websocket("max_message: 17MiB")
        .websocket("max_frame: 17MiB");
    let gateway = Gateway::start_beside(BINARY, &settings, &[("ca.pem", &certificate.pem)]);
    let url = format!("ws://{}/echo", gateway.web());
    let result = clients::run("ws_client.mjs", &[&url, compression]);
    assert_eq!(result["echoed"], 18);
    assert_eq!(result["code"], 4001);
    assert_eq!(gateway.closed()["code"], 4001);
}

#[test]
fn ws_behind_nodes_tls() {
    echo("off");
}

#[test]
fn ws_behind_nodes_tls_compressed() {
    echo("on");
}
