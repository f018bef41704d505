//! Certificates that are replaced while the gateway serves.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use switchyard_testkit::{Certificate, Endpoint, Gateway, Settings, Trust, Tunnel, eventually};

use super::{Stage, gateway};

/// Replaces a file of the gateway's at once.
pub(super) fn replace(gateway: &Gateway, name: &str, content: impl AsRef<[u8]>) {
    let aside = beside(gateway, "aside");
    fs::write(&aside, content).unwrap();
    fs::rename(aside, beside(gateway, name)).unwrap();
}

pub(super) fn beside(gateway: &Gateway, name: &str) -> PathBuf {
    gateway.config().with_file_name(name)
}

fn replace_pair(gateway: &Gateway, index: usize, with: &Certificate) {
    replace(gateway, &format!("{index}.crt"), &with.pem);
    replace(gateway, &format!("{index}.key"), &with.key);
}

pub(super) fn wait_reloads(gateway: &Gateway, result: &str, count: u64) {
    let labels = [("listener", "web"), ("result", result)];
    gateway.wait_metric("switchyard_tls_reloads_total", &labels, count);
}

#[track_caller]
pub(super) fn wait_problem(gateway: &Gateway, certificate: &str, problem: &str) -> Value {
    gateway.log().wait_for(problem, |line| {
        let said = line["problem"].as_str().unwrap_or_default();
        let names = [&line["file"], &line["certificate"]];
        line["level"] == "WARN"
            && names.contains(&&Value::from(certificate))
            && said.contains(problem)
    })
}

/// The certificate that a client gets that asks for `name`.
fn shown(gateway: &Gateway, trusted: &[&Certificate], name: &str) -> Vec<u8> {
    let (tunnel, _) = Tunnel::open(gateway.web(), &Trust::of(trusted), name).unwrap();
    tunnel.shown.to_vec()
}

#[test]
fn under_load_no_handshake_fails_and_a_session_lives_on() {
    let stage = Stage::new();
    let (_tunnel, mut ends) = stage.open();
    let (gateway, before) = (&stage.gateway, &stage.certificates[0]);
    let later: Vec<_> = (0..3).map(|_| Certificate::of(&["localhost"])).collect();
    let all: Vec<_> = [before].into_iter().chain(&later).collect();
    let done = AtomicBool::new(false);
    let handshakes = thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    while !done.load(Ordering::Relaxed) {
                        shown(gateway, &all, "localhost");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        for (count, certificate) in (1..).zip(&later) {
            replace_pair(gateway, 0, certificate);
            wait_reloads(gateway, "ok", count);
            assert_eq!(shown(gateway, &all, "localhost"), certificate.der.to_vec());
        }
        done.store(true, Ordering::Relaxed);
        let counts = clients.into_iter().map(|client| client.join().unwrap());
        counts.sum::<u64>()
    });
    assert!(handshakes > 10, "{handshakes}");
    ends.talk();
    // Each of them ended as it should.
    stage.wait_handshakes("ok", "1.3", "no", handshakes + 1 + 3);
    wait_reloads(gateway, "failed", 0);
}

#[test]
fn a_link_that_leads_elsewhere_is_followed() {
    let endpoint = Endpoint::named("one");
    let (gateway, before) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    let [first, second] = [0; 2].map(|_| Certificate::of(&["localhost"]));
    // As Kubernetes mounts a secret: links to what is behind a link that is replaced.
    let folders = [("v1", &first), ("v2", &second)];
    for (folder, certificate) in folders {
        let folder = beside(&gateway, folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("0.crt"), &certificate.pem).unwrap();
        fs::write(folder.join("0.key"), &certificate.key).unwrap();
    }
    let link = |to: &str, name: &str| {
        let aside = beside(&gateway, "aside");
        symlink(Path::new(to), &aside).unwrap();
        fs::rename(aside, beside(&gateway, name)).unwrap();
    };
    link("v1", "..data");
    link("..data/0.crt", "0.crt");
    link("..data/0.key", "0.key");
    let all = [&before[0], &first, &second];
    eventually("the first", || {
        (shown(&gateway, &all, "localhost") == first.der.to_vec()).then_some(())
    });
    link("v2", "..data");
    eventually("the second", || {
        (shown(&gateway, &all, "localhost") == second.der.to_vec()).then_some(())
    });
    wait_reloads(&gateway, "failed", 0);
}

#[test]
fn a_bad_pair_keeps_its_old_one_and_no_other() {
    let endpoint = Endpoint::named("one");
    let names: [&[&str]; 2] = [&["first.test"], &["second.test"]];
    let (gateway, before) = gateway(Settings::to(&[endpoint.address()]), &names);
    let [bad, good] = names.map(Certificate::of);
    replace(&gateway, "0.key", &bad.key);
    wait_problem(&gateway, "0.crt", "is not that of the certificate in");
    replace_pair(&gateway, 1, &good);
    wait_reloads(&gateway, "ok", 1);
    let all = [&before[0], &before[1], &bad, &good];
    let holds = || {
        assert_eq!(shown(&gateway, &all, "first.test"), before[0].der.to_vec());
        assert_eq!(shown(&gateway, &all, "second.test"), good.der.to_vec());
    };
    holds();
    replace(&gateway, "0.crt", "");
    wait_problem(&gateway, "0.crt", "there is no certificate in");
    fs::remove_file(beside(&gateway, "0.crt")).unwrap();
    wait_problem(&gateway, "0.crt", "cannot read");
    // It would leave the second no name of its own.
    replace_pair(
        &gateway,
        0,
        &Certificate::of(&["first.test", "second.test"]),
    );
    wait_problem(
        &gateway,
        "0.crt",
        "has no DNS name that no other before it has",
    );
    holds();
    wait_reloads(&gateway, "failed", 4);
    replace_pair(&gateway, 0, &bad);
    wait_reloads(&gateway, "ok", 2);
    assert_eq!(shown(&gateway, &all, "first.test"), bad.der.to_vec());
}

#[test]
fn what_was_refused_for_its_names_waits_for_the_others() {
    let endpoint = Endpoint::named("one");
    let names: [&[&str]; 2] = [&["first.test"], &["second.test"]];
    let (gateway, before) = gateway(Settings::to(&[endpoint.address()]), &names);
    let wide = Certificate::of(&["first.test", "second.test"]);
    replace_pair(&gateway, 0, &wide);
    wait_problem(&gateway, "0.crt", "has no DNS name");
    let second = Certificate::of(&["second.test"]);
    replace_pair(&gateway, 1, &second);
    wait_reloads(&gateway, "ok", 1);
    let third = Certificate::of(&["third.test"]);
    let all = [&before[0], &before[1], &wide, &second, &third];
    assert_eq!(shown(&gateway, &all, "first.test"), before[0].der.to_vec());
    assert_eq!(shown(&gateway, &all, "second.test"), second.der.to_vec());
    // It is shown as soon as it leaves a name to the other.
    replace_pair(&gateway, 1, &third);
    wait_reloads(&gateway, "ok", 3);
    wait_reloads(&gateway, "failed", 1);
    assert_eq!(shown(&gateway, &all, "second.test"), wide.der.to_vec());
    assert_eq!(shown(&gateway, &all, "third.test"), third.der.to_vec());
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn wait_expiry(gateway: &Gateway, at: u64) {
    let labels = [("listener", "web"), ("certificate", "0.crt")];
    let name = "switchyard_tls_certificate_expiry_timestamp_seconds";
    gateway.wait_metric(name, &labels, at);
}

#[test]
fn when_a_certificate_expires_is_known_and_said_in_time() {
    const DAY: u64 = 24 * 60 * 60;
    let endpoint = Endpoint::named("one");
    let (gateway, _) = gateway(Settings::to(&[endpoint.address()]), &[&["localhost"]]);
    let said = |text: &str| {
        gateway.log().wait_for(text, |line| {
            line["level"] == "WARN"
                && line["certificate"] == "0.crt"
                && line["message"].as_str().unwrap().contains(text)
        })
    };
    // rcgen's own end is the year 4096: nothing is said.
    wait_expiry(&gateway, 67_090_118_400);
    let warned = |line: &Value| line["level"] == "WARN";
    assert!(!gateway.log().so_far().iter().any(warned));
    let soon = now() + 3 * DAY + 1_000;
    replace_pair(&gateway, 0, &Certificate::until(&["localhost"], soon));
    wait_expiry(&gateway, soon);
    assert_eq!(said("expires soon")["days"], 3);
    let past = now() - DAY;
    replace_pair(&gateway, 0, &Certificate::until(&["localhost"], past));
    wait_expiry(&gateway, past);
    said("has expired");
    let ahead = now() + 30 * DAY;
    replace_pair(&gateway, 0, &Certificate::until(&["localhost"], ahead));
    wait_expiry(&gateway, ahead);
    let lines = gateway.log().so_far();
    assert_eq!(lines.iter().filter(|line| warned(line)).count(), 2);
}
