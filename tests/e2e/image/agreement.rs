//! What is said of the image in more than one place is the same everywhere.

use std::fs;
use std::path::Path;

use super::jail::USER;
use super::{HEALTH, RUN};

fn project(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rest of the line that begins with `start`, with those that continue it.
#[track_caller]
fn instruction(dockerfile: &str, start: &str) -> String {
    let joined = dockerfile.replace("\\\n", "");
    let mut found = joined.lines().filter_map(|line| line.strip_prefix(start));
    let rest = found.next().unwrap_or_else(|| panic!("no {start:?}"));
    assert_eq!(found.next(), None, "{start:?} twice");
    rest.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn exec_form(words: &[&str]) -> String {
    serde_json::to_string(words)
        .expect("JSON")
        .replace(',', ", ")
}

#[test]
fn the_dockerfile_runs_what_the_tests_run() {
    let dockerfile = project("Dockerfile");
    assert_eq!(
        instruction(&dockerfile, "ENTRYPOINT "),
        exec_form(&["/switchyard"])
    );
    assert_eq!(instruction(&dockerfile, "CMD "), exec_form(&RUN));
    let health = [&["/switchyard"][..], &HEALTH].concat();
    let check = instruction(&dockerfile, "HEALTHCHECK ");
    assert!(
        check.ends_with(&format!(" CMD {}", exec_form(&health))),
        "{check}"
    );
    assert_eq!(instruction(&dockerfile, "STOPSIGNAL "), "SIGTERM");
    // The last stage has nothing but what the script made.
    let (_, last) = dockerfile
        .split_once("\nFROM scratch\n")
        .expect("from scratch");
    assert_eq!(
        instruction(last, "COPY "),
        "--from=build --chown=0:0 /rootfs /"
    );
    assert!(!last.contains("RUN"), "{last}");
    assert!(dockerfile.contains("&& config/image/rootfs /rootfs target/release/switchyard\n"));
}

#[test]
fn the_user_is_the_same_everywhere() {
    let dockerfile = project("Dockerfile");
    assert_eq!(instruction(&dockerfile, "USER "), format!("{USER}:{USER}"));
    assert!(project("config/image/rootfs").contains(&format!("\nuser={USER}\n")));
}

#[test]
fn compiler_and_version_are_those_of_the_project() {
    let dockerfile = project("Dockerfile");
    let toolchain = project("rust-toolchain.toml");
    let builder = instruction(&dockerfile, "ARG BUILDER=rust:");
    let rust = builder.strip_suffix("-bookworm").expect("Debian 12");
    assert!(
        toolchain.contains(&format!("channel = \"{rust}\"")),
        "{rust}: {toolchain}"
    );
    assert_eq!(
        instruction(&dockerfile, "ARG VERSION="),
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn what_is_copied_is_let_in_and_nothing_else() {
    let dockerfile = project("Dockerfile");
    let lines = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "));
    let mut copied: Vec<_> = lines
        .filter(|words| !words.starts_with("--from"))
        .flat_map(|words| words.split(' ').rev().skip(1))
        .collect();
    copied.sort_unstable();
    let ignored = project(".dockerignore");
    let mut rules = ignored.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rules.next(), Some("*"), "all is left out at first");
    let mut let_in: Vec<_> = rules
        .map(|rule| rule.strip_prefix('!').unwrap_or_else(|| panic!("{rule}")))
        .collect();
    let_in.sort_unstable();
    assert_eq!(let_in, copied);
    for path in let_in {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(),
            "{path}"
        );
    }
}
