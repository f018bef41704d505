//! The `switchyard` command.
//!
//! Each subcommand is a few lines over the library crates: what it prints is for people and scripts, so results go to standard
//! output, problems to standard error, and the exit code says which it was.

mod admin_client;
mod cli;
mod commands;
mod echo;
mod table;

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
            eprintln!("{}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what caused it, as far as it does not tell of that itself.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let silent = anyhow!("the disk is full").context("it could not be written");
        assert_eq!(told(&silent), "it could not be written: the disk is full");
        let talkative = anyhow!("in use").context("not bound: in use");
        assert_eq!(told(&talkative), "not bound: in use");
    }
}
