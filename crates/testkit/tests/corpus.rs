//! Replays the committed corpora of the fuzz targets: what was once found stays found, without a
//! fuzzer at hand. The name of the entry under test is in the output of a test that fails.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper of tests fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use switchyard_testkit::fuzz::TARGETS;

/// What is in a folder of the corpora, in order.
fn list(folder: &str) -> Vec<PathBuf> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus");
    let entries = fs::read_dir(corpora.join(folder)).expect(folder);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn replay(name: &str) {
    let (_, target) = TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect(name);
    let entries = list(name);
    assert!(
        entries.len() >= 10,
        "{} entries are no corpus",
        entries.len()
    );
    for path in entries {
        println!("{}", path.display());
        target(&fs::read(path).unwrap());
    }
}

#[test]
fn scanner() {
    replay("scanner");
}

#[test]
fn handshake_request() {
    replay("handshake_request");
}

#[test]
fn handshake_response() {
    replay("handshake_response");
}

#[test]
fn session() {
    replay("session");
}

#[test]
fn config() {
    replay("config");
}

#[test]
fn router() {
    replay("router");
}

#[test]
fn moving() {
    replay("moving");
}

#[test]
fn proxy_protocol() {
    replay("proxy_protocol");
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folders: Vec<_> = list("")
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    let mut names = TARGETS.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(folders, names);
}
