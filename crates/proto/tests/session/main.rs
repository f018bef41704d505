//! The session machine through its public interface: what happens when, and what always holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "../support/frames.rs"]
mod frames;
mod harness;
#[path = "../support/laws.rs"]
mod laws;
mod properties;
mod scenarios;
