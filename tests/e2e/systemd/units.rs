//! The units of `config/systemd`, as systemd itself reads them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::BINARY;

const SERVICE: &str = "switchyard.service";
const SOCKET: &str = "switchyard.socket";

/// The most that `systemd-analyze security` may find, in tenths: `OK` ends at 2.0.
const EXPOSURE: &str = "20";

/// The units in a folder, with the binary where it is here.
fn units() -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in [SERVICE, SOCKET] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("config/systemd")
            .join(name);
        let unit = fs::read_to_string(path).unwrap();
        let unit = unit.replace("/usr/local/bin/switchyard", BINARY);
        fs::write(folder.path().join(name), unit).unwrap();
    }
    folder
}

fn analyze(arguments: &[&str], units: &TempDir, names: &[&str]) -> (Output, String) {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments);
    command.args(names.iter().map(|name| units.path().join(name)));
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output, String::from_utf8(said).unwrap())
}

#[test]
fn systemd_understands_them() {
    let units = units();
    let (output, said) = analyze(&["verify", "--man=no"], &units, &[SERVICE, SOCKET]);
    let about_ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("switchyard"))
        .collect();
    assert!(output.status.success() && about_ours.is_empty(), "{said}");
}

#[test]
fn little_is_exposed() {
    let units = units();
    let threshold = format!("--threshold={EXPOSURE}");
    let arguments = ["security", "--offline=true", &threshold];
    let (output, said) = analyze(&arguments, &units, &[SERVICE]);
    assert!(output.status.success(), "{said}");
}
