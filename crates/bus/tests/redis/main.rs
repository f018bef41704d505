//! The bus over real Redis servers.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod access;
mod cluster;
mod history;
mod loss;
mod measure;
mod sentinel;
mod support;
mod traffic;
