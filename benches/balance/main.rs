//! How level each balancer keeps a cluster, and what moves when endpoints come and go:
//! `cargo bench --bench balance`, which takes a few minutes.
//!
//! A simulation of a million sessions that says the same on every run and machine: all chance is from
//! seeds, and no time is measured. With `-- --publish` it writes docs/balancing.md and its plots. Not
//! here: what a choice costs, which is `benches/micro.rs`'s.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a simulation of known size, which prints what it finds"
)]

mod bars;
mod chance;
mod lines;
mod plots;
mod publish;
mod ranking;
mod results;
mod sessions;
mod sizes;
mod story;
mod svg;
mod sweep;
mod tables;
mod world;

fn main() -> std::io::Result<()> {
    let results = results::Results::new();
    print!("{}", results.tables());
    // Cargo adds `--bench`, which says nothing.
    if std::env::args().any(|argument| argument == "--publish") {
        publish::publish(&results)?;
    }
    Ok(())
}
