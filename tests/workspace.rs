//! The tree itself: who may see whom, what every manifest has, and that no link is dead.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate sees of the workspace, by their short names.
type Edges = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

// --- crates ------------------------------------------------------------------

/// The table in the fenced block that begins with `level  crate  sees  is`.
fn documented() -> Edges {
    let text =
        fs::read_to_string(root().join("docs/architecture.md")).expect("the document is there");
    let mut lines = text.lines().skip_while(|line| !is_title(line));
    let title = lines
        .next()
        .expect("a table with the columns level, crate, sees and is");
    let columns = ["crate", "sees", "is"].map(|column| title.find(column).expect("a column"));
    let rows: Edges = lines
        .take_while(|line| !line.starts_with("```"))
        .map(|row| entry(row, columns))
        .collect();
    assert!(rows.len() > 5, "the table is nearly empty: {rows:?}");
    rows
}

fn is_title(line: &str) -> bool {
    line.split_whitespace()
        .take(4)
        .eq(["level", "crate", "sees", "is"])
}

fn entry(row: &str, [name, sees, is]: [usize; 3]) -> (String, BTreeSet<String>) {
    let cell = |from: usize, to: usize| row.get(from..to.min(row.len())).unwrap_or_default().trim();
    let separators = |c: char| c == ',' || c.is_whitespace();
    let list = cell(sees, is)
        .split(separators)
        .filter(|word| !word.is_empty() && *word != "nothing");
    (
        cell(name, sees).to_owned(),
        list.map(str::to_owned).collect(),
    )
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What `cargo metadata` says: each crate with the crates of the workspace that it is built with.
fn actual() -> Edges {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| (short(&package["name"]), dependencies(package)))
        .collect()
}

/// Dependencies of tests are left out: any crate may use the test kit, and tests may look anywhere.
fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().expect("dependencies");
    let ours = all
        .iter()
        .filter(|dependency| dependency["path"].is_string());
    ours.filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| short(&dependency["name"]))
        .collect()
}

fn short(name: &Value) -> String {
    let name = name.as_str().expect("a name");
    name.strip_prefix("switchyard-").unwrap_or(name).to_owned()
}

#[test]
fn crates_see_only_what_the_architecture_says() {
    let (documented, actual) = (documented(), actual());
    let names = |edges: &Edges| edges.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(
        names(&actual),
        names(&documented),
        "the crates, and those of docs/architecture.md"
    );
    for (name, sees) in &actual {
        let extra: Vec<_> = sees.difference(&documented[name]).collect();
        assert!(
            extra.is_empty(),
            "{name} sees {extra:?}, and docs/architecture.md does not say so"
        );
    }
}

#[test]
fn crates_see_one_another_in_one_direction() {
    fn reaches(edges: &Edges, from: &str, to: &str) -> bool {
        edges[from]
            .iter()
            .any(|next| next == to || reaches(edges, next, to))
    }
    let documented = documented();
    for name in documented.keys() {
        assert!(!reaches(&documented, name, name), "{name} sees itself");
    }
}

#[test]
fn the_test_kit_is_for_tests() {
    let users: Vec<_> = actual()
        .into_iter()
        .filter(|(_, sees)| sees.contains("testkit"))
        .collect();
    assert!(
        users.is_empty(),
        "these are built with the test kit: {users:?}"
    );
}

#[test]
fn every_crate_takes_the_workspaces_lints_and_version() {
    let manifests = fs::read_dir(root().join("crates"))
        .expect("crates")
        .filter_map(|folder| {
            let manifest = folder.expect("a folder").path().join("Cargo.toml");
            manifest.exists().then_some(manifest)
        });
    for manifest in manifests.chain([root().join("Cargo.toml")]) {
        let text = fs::read_to_string(&manifest).expect("a manifest");
        for line in [
            "[lints]\nworkspace = true",
            "version.workspace = true",
            "license.workspace = true",
        ] {
            assert!(text.contains(line), "{} lacks {line:?}", manifest.display());
        }
    }
}

// --- files ---------------------------------------------------------------------

/// Every text file that belongs to the project.
fn files() -> Vec<(PathBuf, String)> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output();
    let paths: Vec<PathBuf> = match output {
        Ok(output) if output.status.success() => {
            let list = String::from_utf8(output.stdout).expect("names are UTF-8");
            list.split_terminator('\0')
                .map(|name| root().join(name))
                .collect()
        }
        // Not a clone: whatever lies here.
        _ => walk(&root()),
    };
    let read = |path: PathBuf| fs::read_to_string(&path).ok().map(|text| (path, text));
    paths.into_iter().filter_map(read).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        !matches!(name, "target" | "node_modules" | ".venv" | ".git")
    };
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let mut found = Vec::new();
    for path in entries.filter(is_ours) {
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|e| wanted.contains(&e))
}

#[test]
fn nothing_is_left_to_do() {
    // Put together here, so that this file does not mention them.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"]].map(|parts| parts.concat());
    for (path, text) in files() {
        if has_extension(&path, &["lock"]) || path.ends_with("package-lock.json") {
            continue;
        }
        for mark in &marks {
            let line = text.lines().position(|line| line.contains(mark));
            assert!(
                line.is_none(),
                "{mark} in {}:{}",
                path.display(),
                line.unwrap_or_default() + 1
            );
        }
    }
}

#[test]
fn no_test_is_ignored_without_a_reason() {
    for (path, text) in files() {
        if has_extension(&path, &["rs"]) {
            let bare = ["#[", "ignore]"].concat();
            assert!(
                !text.contains(&bare),
                "{} ignores a test and does not say why",
                path.display()
            );
        }
    }
}

#[test]
fn modules_say_what_they_are_for() {
    for (path, text) in files() {
        if has_extension(&path, &["rs"]) && !path.ends_with("tests.rs") {
            assert!(
                text.starts_with("//!"),
                "{} does not begin with //!",
                path.display()
            );
        }
    }
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut dead = Vec::new();
    for (path, text) in files() {
        if has_extension(&path, &["md"]) {
            let folder = path.parent().expect("a folder");
            let missing = links(&text).filter(|target| !folder.join(target).exists());
            dead.extend(missing.map(|target| format!("{}: {target}", path.display())));
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// The files that a Markdown text links to, outside of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    let targets = prose
        .flat_map(|part| part.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next());
    targets
        .map(|target| target.split(['#', ' ']).next().unwrap_or_default())
        .filter(|target| {
            !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")
        })
}

// --- the profile of release builds --------------------------------------------

/// What becomes of a call of rustc.
fn guided(arguments: &[&str], guide: Option<&str>) -> String {
    let mut call = Command::new(root().join(".cargo/guide/rustc"));
    call.arg("echo")
        .args(arguments)
        .env_remove("SWITCHYARD_GUIDE");
    if let Some(guide) = guide {
        call.env("SWITCHYARD_GUIDE", guide);
    }
    let output = call.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn release_code_is_guided_and_no_other() {
    let release = ["--crate-name", "a", "-C", "opt-level=3", "a.rs"];
    let profile = root().join(".cargo/guide/release.profdata");
    let uses = format!("{} -C profile-use={}", release.join(" "), profile.display());
    assert!(guided(&release, None).starts_with(&uses));
    assert!(profile.is_file());
    let learns = format!("{} -C profile-generate\n", release.join(" "));
    assert_eq!(guided(&release, Some("learn")), learns);
    assert_eq!(guided(&release, Some("off")).trim(), release.join(" "));
    for other in ["opt-level=1", "opt-level=s", "debuginfo=2"] {
        let arguments = ["--crate-name", "a", "-C", other];
        assert_eq!(guided(&arguments, None).trim(), arguments.join(" "));
    }
}

/// What becomes of cargo's name for a version of a package.
fn named(version: &str) -> String {
    let mut call = Command::new(root().join(".cargo/guide/rustc"));
    let mut parts = version.split('.');
    call.args(["echo", "-C", "opt-level=3", "-C", "metadata=0f1e2d"])
        .env_remove("SWITCHYARD_GUIDE")
        .env("CARGO_PKG_NAME", "a-b")
        .env("CARGO_PKG_VERSION", version);
    for part in ["MAJOR", "MINOR", "PATCH"] {
        let key = format!("CARGO_PKG_VERSION_{part}");
        call.env(key, parts.next().expect("three parts"));
    }
    let output = call.output().expect("it runs");
    let line = String::from_utf8(output.stdout).unwrap();
    let name = line.split(' ').find_map(|it| it.strip_prefix("metadata="));
    name.expect("a name").to_owned()
}

#[test]
fn functions_keep_their_names_when_a_dependency_is_updated() {
    assert_eq!(named("1.2.3"), "a-b-1");
    assert_eq!(named("1.12.0"), "a-b-1");
    assert_eq!(named("0.1.21"), "a-b-0.1");
    assert_eq!(named("0.0.4"), "a-b-0.0.4");
}

#[test]
fn the_profile_is_of_the_compiler_that_builds() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (toolchain, made_with) = (read("rust-toolchain.toml"), read(".cargo/guide/made-with"));
    let channel = toolchain.split('"').nth(1).expect("a channel");
    let release = format!("release: {channel}");
    assert!(
        made_with.lines().any(|line| line == release),
        "benches/train: the profile fits another compiler\n{made_with}"
    );
}
