//! The harness of the end-to-end tests: starts the real binary and real helpers, plays a client or
//! an endpoint byte by byte, reads logs and metrics.
//!
//! Everything here blocks, and every wait has a deadline ([`PATIENCE`]) after which it panics with
//! what it was waiting for. Deadlines are there to end a broken test, never to judge a speed.
//! Frames are written and read by a codec of its own, not by the one under test.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a harness that panics is a test that fails, at the line that asked"
)]

pub mod authority;
pub mod certificate;
pub mod clients;
pub mod cover;
pub mod dnsmasq;
pub mod endpoint;
pub mod fault_line;
pub mod frame;
pub mod fuzz;
pub mod gateway;
pub mod handshake;
pub mod haproxy;
pub mod head;
pub mod http2;
pub mod kubernetes;
pub mod limits;
pub mod lines;
mod loopback;
pub mod metrics;
pub mod nats;
pub mod peer;
pub mod process;
pub mod prometheus;
pub mod redis;
pub mod settings;
pub mod socket;
pub mod tunnel;
pub mod wait;

pub use authority::{Authority, Claims};
pub use certificate::Certificate;
pub use cover::{Cover, Guest, Manners, Newest};
pub use dnsmasq::Dnsmasq;
pub use endpoint::Endpoint;
pub use fault_line::FaultLine;
pub use frame::Frame;
pub use gateway::Gateway;
pub use handshake::Handshake;
pub use haproxy::HaProxy;
pub use head::{Head, Response};
pub use http2::Http2;
pub use metrics::Metrics;
pub use nats::NatsServer;
pub use peer::Peer;
pub use process::Process;
pub use prometheus::Prometheus;
pub use redis::{Redis, RedisCluster, WatchedRedis};
pub use settings::Settings;
pub use socket::Socket;
pub use tunnel::{Farewell, Trust, Tunnel};
pub use wait::{PATIENCE, eventually};
