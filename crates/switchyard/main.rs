//! The `switchyard` command.
//!
//! Each subcommand is a few lines over the library crates: what it prints is for people and scripts, so results go to standard
//! output, problems to standard error, and the exit code says which it was.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;
use tikv_jemallocator::Jemalloc;

/// Gives memory back after a storm of sessions, which the system's allocator does not; `.cargo/config.toml` says how soon.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let command = cli::Cli::parse().command;
    match commands::execute(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
