//! A service of Kubernetes, followed against an API server that the test plays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod failing;
mod followed;
mod members;
mod resync;
