//! Clients that come back, to another replica too. OpenSSL keeps their tickets.

use std::path::Path;

use switchyard_testkit::{Endpoint, Gateway, Settings, eventually};

use super::foreign::{LAST, s_client};
use super::gateway_with;
use super::rotation::{replace, wait_problem, wait_reloads};

const SECRET: &str = "a secret of more than thirty-two bytes";
const OTHER: &str = "and another of more than thirty-two of them";

/// A replica whose tickets are sealed with `secret`.
fn replica(endpoint: &Endpoint, secret: &str) -> Gateway {
    let settings = Settings::to(&[endpoint.address()]);
    let more = ", ticket_key_file: tickets";
    gateway_with(settings, &[&["localhost"]], more, &[("tickets", secret)]).0
}

/// Connects for the first time, and keeps the ticket in `file`.
fn first(gateway: &Gateway, version: &str, file: &Path) {
    let (ended, said) = s_client(
        gateway,
        &[version, "-sess_out", file.to_str().unwrap()],
        LAST,
    );
    assert!(ended && said.contains("\nNew, TLSv1"), "{said}");
}

/// Connects with that ticket; whether it is taken.
fn resumes(gateway: &Gateway, version: &str, file: &Path) -> bool {
    let (_, said) = s_client(
        gateway,
        &[version, "-sess_in", file.to_str().unwrap()],
        LAST,
    );
    assert!(
        said.contains("\nReused, TLSv1") || said.contains("\nNew, TLSv1"),
        "{said}"
    );
    said.contains("\nReused, TLSv1")
}

#[test]
fn replicas_with_the_same_secret_take_each_others_tickets() {
    let endpoint = Endpoint::named("one");
    let folder = tempfile::TempDir::new().unwrap();
    let ticket = folder.path().join("ticket");
    let one = replica(&endpoint, SECRET);
    // Space around a secret is none of it.
    let same = replica(&endpoint, &format!("{SECRET}\n"));
    let other = replica(&endpoint, OTHER);
    for version in ["-tls1_2", "-tls1_3"] {
        first(&one, version, &ticket);
        assert!(resumes(&one, version, &ticket), "{version}");
        assert!(resumes(&same, version, &ticket), "{version}");
        assert!(!resumes(&other, version, &ticket), "{version}");
    }
}

#[test]
fn a_secret_is_replaced_and_its_tickets_are_still_taken() {
    let endpoint = Endpoint::named("one");
    let folder = tempfile::TempDir::new().unwrap();
    let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
    let (one, other) = (replica(&endpoint, SECRET), replica(&endpoint, OTHER));
    first(&one, "-tls1_3", &before);
    replace(&one, "tickets", "too short");
    wait_problem(&one, "tickets", "it has 9 bytes, and 32 are needed");
    wait_reloads(&one, "failed", 1);
    replace(&one, "tickets", OTHER);
    wait_reloads(&one, "ok", 1);
    assert!(resumes(&one, "-tls1_3", &before));
    eventually("a ticket under the new secret", || {
        first(&one, "-tls1_3", &after);
        resumes(&other, "-tls1_3", &after).then_some(())
    });
    assert!(!resumes(&other, "-tls1_3", &before));
}
