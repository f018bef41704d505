//! End to end: the real binary between real clients and real endpoints.
//!
//! One module for each thing the gateway promises. The harness is `switchyard-testkit`; the
//! helpers in node and python are in `tests/clients`, and `tests/setup` installs what they need.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod access_log;
mod admin;
mod admin_cli;
mod affinity;
mod backpressure;
mod channels;
mod chaos;
mod cli;
mod clients;
mod closes;
mod demo_page;
mod dial;
mod discovery;
mod drain;
mod drain_by_order;
mod drain_scopes;
mod endings;
mod endpoint_drain;
mod failover;
mod fault_line;
mod handshake;
mod health;
mod http;
mod http2;
mod http2_endpoints;
mod image;
mod level;
mod lifetime;
mod limits;
mod liveness;
mod many;
mod outlier;
mod probe;
mod prometheus;
mod proxy_protocol;
mod push;
mod push_only;
mod queue;
mod relay;
mod reload;
mod rolling;
mod sessions;
mod socketio;
mod socketio_scale;
mod support;
mod systemd;
mod tls;
mod tls_endpoints;
mod upgrade;
mod violations;
mod workers;
