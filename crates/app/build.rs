//! Tells the crate which compiler and which sources it is built from, for `switchyard_build_info`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=SWITCHYARD_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    watch_head();
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let rustc = first_line(Command::new(compiler).arg("--version"));
    let revision = std::env::var("SWITCHYARD_REVISION")
        .ok()
        .or_else(|| first_line(Command::new("git").args(["rev-parse", "--short=12", "HEAD"])));
    set("SWITCHYARD_RUSTC", rustc.as_deref());
    set("SWITCHYARD_REVISION", revision.as_deref());
}

/// A commit or a checkout makes it another revision: Git notes each there. Without Git there is nothing to watch.
fn watch_head() {
    let moves = first_line(Command::new("git").args(["rev-parse", "--git-path", "logs/HEAD"]));
    // Cargo would build anew each time for a file that is not there.
    if let Some(moves) = moves.filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={moves}");
    }
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(ToOwned::to_owned)
}

fn set(name: &str, value: Option<&str>) {
    println!("cargo::rustc-env={name}={}", value.unwrap_or("unknown"));
}
