//! Following names that a real name server answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod addresses;
mod ending;
mod failures;
mod followed;
mod services;
mod stub;
