//! What a reload of the configuration does to TLS.

use std::fs;

use switchyard_testkit::{Certificate, Trust, Tunnel};

use super::rotation::{beside, replace};
use super::{Stage, gateway};
use crate::reload::asked;

fn edit(gateway: &switchyard_testkit::Gateway, change: impl Fn(&str) -> String, count: usize) {
    let yaml = fs::read_to_string(gateway.config()).expect("a file");
    let changed = change(&yaml);
    assert_ne!(changed, yaml);
    gateway.rewrite_with(&changed);
    gateway.hang_up();
    gateway.records(count, "reloaded");
}

const ONE: &str = "[{ cert: 0.crt, key: 0.key }]";
const TWO: &str = "[{ cert: 0.crt, key: 0.key }, { cert: 1.crt, key: 1.key }]";

#[test]
fn a_certificate_comes_and_goes_and_sessions_stay() {
    let stage = Stage::with(asked);
    let (_tunnel, mut ends) = stage.open();
    let more = Certificate::of(&["more.example"]);
    replace(&stage.gateway, "1.crt", &more.pem);
    replace(&stage.gateway, "1.key", &more.key);
    edit(&stage.gateway, |yaml| yaml.replace(ONE, TWO), 1);
    let trust = Trust::of(&[&more]);
    let (tunnel, _) = Tunnel::open(stage.gateway.web(), &trust, "more.example").unwrap();
    assert_eq!(tunnel.shown.to_vec(), more.der.to_vec());
    let expiry = "switchyard_tls_certificate_expiry_timestamp_seconds";
    let labels = [("certificate", "1.crt")];
    switchyard_testkit::eventually("its expiry to be told", || {
        stage.gateway.metrics().get(expiry, &labels)
    });
    edit(&stage.gateway, |yaml| yaml.replace(TWO, ONE), 2);
    // One who remembers nothing: a ticket would be taken in place of a certificate.
    let trust = Trust::of(&[&more]);
    assert!(Tunnel::open(stage.gateway.web(), &trust, "more.example").is_err());
    assert_eq!(stage.gateway.metrics().get(expiry, &labels), None);
    ends.talk();
}

#[test]
fn sessions_go_when_their_listener_begins_to_encrypt() {
    let certificate = Certificate::of(&["localhost"]);
    let endpoint = switchyard_testkit::Endpoint::bind();
    let settings = asked(switchyard_testkit::Settings::to(&[endpoint.address()]));
    let stage = crate::support::Stage::of(endpoint, &settings);
    fs::write(beside(&stage.gateway, "0.crt"), &certificate.pem).unwrap();
    fs::write(beside(&stage.gateway, "0.key"), &certificate.key).unwrap();
    let mut session = stage.open();
    let tls = settings.listener(&format!("tls: {{ certificates: {ONE} }}"));
    let said = stage.gateway.reload(&tls, 1);
    assert_eq!(said["closing"], 1);
    assert_eq!(session.client.receive_close().0, 1012);
}

#[test]
fn a_certificate_that_cannot_be_used_is_no_reason_to_change_anything() {
    let (gateway, certificates) = gateway(
        asked(switchyard_testkit::Settings::to(&[
            crate::support::dead_address(),
        ])),
        &[&["localhost"]],
    );
    fs::write(beside(&gateway, "1.crt"), &certificates[0].pem).unwrap();
    fs::write(
        beside(&gateway, "1.key"),
        &Certificate::of(&["localhost"]).key,
    )
    .unwrap();
    let yaml = fs::read_to_string(gateway.config()).unwrap();
    gateway.rewrite_with(&yaml.replace(ONE, TWO));
    gateway.hang_up();
    let refused = "not reloaded: the configuration before it is still in use";
    let line = gateway.records(1, refused).remove(0);
    assert!(line["error"].as_str().unwrap().contains("1.key"), "{line}");
    let trust = Trust::of(&certificates.iter().collect::<Vec<_>>());
    Tunnel::open(gateway.web(), &trust, "localhost").unwrap();
}
