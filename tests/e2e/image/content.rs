//! What is in the image, file by file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use tempfile::TempDir;

use super::jail::{Root, rootfs};

#[test]
fn there_is_the_gateway_with_what_it_needs_and_nothing_else() {
    let root = Root::build();
    let listed = listed(&root.path());
    let mut others: Vec<_> = listed
        .iter()
        .filter(|(_, entry)| entry.is_file)
        .map(|(path, _)| &**path)
        .collect();
    for (path, what) in [
        ("switchyard", "the gateway"),
        ("etc/passwd", "its user"),
        ("etc/group", "its group"),
        ("etc/nsswitch.conf", "how names are looked up"),
        ("etc/ssl/certs/ca-certificates.crt", "whom it trusts"),
    ] {
        let at = others.iter().position(|other| *other == path);
        others.remove(at.unwrap_or_else(|| panic!("{what} is missing: {path}")));
    }
    let is_library = |path: &&str| path.starts_with("lib") && path.contains(".so.");
    let odd: Vec<_> = others.iter().filter(|path| !is_library(path)).collect();
    assert!(odd.is_empty(), "what is this for? {odd:?}");
    for library in ["/ld-", "/libc.so."] {
        let is_there = others.iter().any(|path| path.contains(library));
        assert!(is_there, "{library} is missing: {others:?}");
    }
    for (path, entry) in &listed {
        let allowed = match (entry.is_file, path == "switchyard" || path.contains("/ld-")) {
            (false, _) => 0o755,
            (true, true) => 0o555,
            (true, false) => 0o444,
        };
        assert_eq!(entry.mode, allowed, "{path} has the mode {:o}", entry.mode);
    }
}

#[test]
fn a_program_whose_libraries_cannot_be_told_makes_no_root() {
    let folder = TempDir::new().expect("a folder");
    // Wherever there is glibc, this one is linked statically.
    let (worked, said) = rootfs(&folder.path().join("root"), "/sbin/ldconfig".as_ref());
    assert!(!worked && said.contains("not linked dynamically"), "{said}");
}

#[test]
fn the_same_files_give_the_same_root() {
    let (one, other) = (Root::build(), Root::build());
    assert_eq!(listed(&one.path()), listed(&other.path()));
}

/// One file or folder of a root.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    is_file: bool,
    mode: u32,
    modified: i64,
    content: Option<Vec<u8>>,
}

/// Everything below `root`, by its path there.
fn listed(root: &Path) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("it is there");
            assert!(!metadata.is_symlink(), "{} is a link", path.display());
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            let name = path
                .strip_prefix(root)
                .expect("below")
                .to_str()
                .expect("UTF-8");
            let entry = Entry {
                is_file: metadata.is_file(),
                mode: metadata.permissions().mode() & 0o7777,
                modified: metadata.mtime(),
                content: metadata.is_file().then(|| fs::read(&path).expect("a file")),
            };
            entries.insert(name.to_owned(), entry);
        }
    }
    entries
}
