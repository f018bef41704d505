//! The configuration from outside: files in, values and diagnostics out.

#[cfg(test)]
mod admin_address;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod files;
#[cfg(test)]
mod push;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod values;

use std::path::{Path, PathBuf};

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Compares a generated file with what it should be, or writes it where `SWITCHYARD_BLESS=1`.
fn assert_fresh(path: &Path, generated: &str) {
    if std::env::var_os("SWITCHYARD_BLESS").is_some_and(|bless| bless == "1") {
        let written = std::fs::write(path, generated);
        assert!(written.is_ok(), "{}: {written:?}", path.display());
        return;
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        stored == generated,
        "{} is stale; `SWITCHYARD_BLESS=1 cargo test -p switchyard-config` renews it.\n\
         It should be:\n{generated}",
        path.display()
    );
}
