//! YAML to validated values, with diagnostics that point at the file.
//!
//! A file goes through three forms. `node` is the YAML with the place of everything in it; `raw`
//! mirrors the file, one declaration a table; [`model`] cannot be wrong. Problems are collected on
//! the way, so that all of them are told at once. The schema for editors and the reference for
//! people come from the same declarations.
//!
//! [`Diff`] tells what is different between two configurations, [`Watch`] when a file that was read has
//! become another.
//!
//! Nothing here listens, dials or logs, and no text can make it panic.

pub mod model;

mod decode;
mod diagnostics;
mod diff;
mod lower;
mod node;
mod raw;
mod reference;
mod report;
mod scalar;
mod schema;
mod shape;
mod source;
mod suggest;
mod watch;

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use diagnostics::{Diagnostic, Errors};
pub use diff::{Changes, Diff};
pub use model::*;
pub use source::Position;
pub use watch::Watch;

use decode::Decode as _;
use node::Node;
use report::Report;
use scalar::{MAX_MS, Scalar, Time};
use source::Source;

/// No file that is read here is larger, secrets included.
const MAX_FILE: u64 = 16 << 20;

/// Reads, parses and checks the file at `path`.
///
/// # Errors
/// Every problem of the file at once, in the order of the file; or that it cannot be read.
pub fn load(path: &Path) -> Result<Config, Errors> {
    parse(&text(path)?, path)
}

/// As [`load`], with the paths of all that was read, the file itself first: when one of them has become
/// another, the configuration may be another.
pub fn load_with_files(path: &Path) -> (Result<Config, Errors>, Vec<PathBuf>) {
    let files = RefCell::new(vec![path.to_owned()]);
    let noting = |path: &Path| {
        files.borrow_mut().push(path.to_owned());
        read(path)
    };
    let loaded = text(path).and_then(|text| parse_with(&text, path, &noting));
    (loaded, files.into_inner())
}

fn text(path: &Path) -> Result<String, Errors> {
    let unreadable = |message| Errors::new(vec![Diagnostic::of_file(path, message)]);
    let bytes = read(path).map_err(|error| unreadable(format!("cannot read the file: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|error| unreadable(format!("the file is not UTF-8: {}", error.utf8_error())))
}

/// Parses and checks `text`. `origin` names it in diagnostics; the secret files that it mentions
/// are read, relative to the directory of `origin`.
///
/// # Errors
/// Every problem of the text at once, in the order of the text.
pub fn parse(text: &str, origin: &Path) -> Result<Config, Errors> {
    parse_with(text, origin, &read)
}

/// Where the admin API of the gateway with the file at `path` is; `None`: the file gives it none. Nothing else has to be
/// right or there: so that a running gateway can be asked while its next configuration is still wrong, and without its secrets.
///
/// # Errors
/// The problems of the file, if the address is not to be had.
pub fn admin_address(path: &Path) -> Result<Option<SocketAddr>, Errors> {
    let text = text(path)?;
    let source = Source::new(&text, path);
    let mut report = Report::default();
    let root = root(&source)?;
    let admin = raw::Document::decode(&root, &mut report).and_then(|file| file.admin);
    match admin {
        Some(None) => Ok(None),
        Some(Some(raw::Admin {
            address: Some(address),
            ..
        })) => Ok(Some(address.value.0)),
        Some(Some(raw::Admin { address: None, .. })) | None => Err(report.into_errors(&source)),
    }
}

/// Reads a duration as it is written in the file, such as `30s`: for queries and command lines, so that one
/// way to write it holds everywhere. At most a year.
///
/// # Errors
/// What is wrong with it, and what to write, in one line.
pub fn duration(text: &str) -> Result<Duration, String> {
    match <Time<0, MAX_MS> as Scalar>::parse(text) {
        Ok(time) => Ok(time.0),
        Err(complaint) => Err(complaint.to_string()),
    }
}

/// As [`parse`], with `read` instead of the file system: for tests and fuzzing.
///
/// # Errors
/// Every problem of the text at once, in the order of the text.
pub fn parse_with(
    text: &str,
    origin: &Path,
    read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
) -> Result<Config, Errors> {
    let source = Source::new(text, origin);
    let mut report = Report::default();
    let directory = origin.parent().unwrap_or(Path::new(""));
    let root = root(&source)?;
    let file = raw::Document::decode(&root, &mut report);
    match file.and_then(|file| lower::config(file, directory, read, &mut report)) {
        Some(config) if report.is_empty() => Ok(Config {
            written: Written::of(&root),
            ..config
        }),
        _ => Err(report.into_errors(&source)),
    }
}

fn root(source: &Source<'_>) -> Result<Node, Errors> {
    node::read::read(source).map_err(|problem| {
        let mut report = Report::default();
        report.add(problem);
        report.into_errors(source)
    })
}

/// The JSON Schema (2020-12) of the configuration file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schema::document(&raw::Document::shape())
}

/// The reference of the configuration file in Markdown, for people.
#[must_use]
pub fn reference() -> String {
    reference::document(&raw::Document::shape())
}

/// The beginning of a file, as much of it as any file may have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}
