//! The gateway's door over real sockets: raw clients on one side, scripted endpoints on the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod affinity;
mod channels;
mod client;
mod draining;
mod gateway;
mod handover;
mod handshake;
mod limits;
mod moving;
mod plain;
mod push_only;
mod refusals;
mod session;
