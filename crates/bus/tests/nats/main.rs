//! The bus over NATS, with a real server.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod following;
mod history;
mod letting_in;
mod measuring;
mod outage;
mod support;
