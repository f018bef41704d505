//! The bodies of the fuzz targets, as ordinary functions from bytes to assertions.
//!
//! Each reads its input as a small program, runs the code under test with it and asserts the laws
//! that hold for any input. `tests/fuzz` feeds them from libFuzzer; a test of this crate replays
//! the corpora that are committed beside it. A body that returns has found nothing.

mod bytes;
mod config;
mod fields;
mod frames;
mod handshake;
mod moving;
mod proxy_protocol;
mod router;
mod scanner;
mod session;

pub use config::config;
pub use handshake::{handshake_request, handshake_response};
pub use moving::moving;
pub use proxy_protocol::proxy_protocol;
pub use router::router;
pub use scanner::scanner;
pub use session::session;

/// A fuzz target: any bytes may be handed in, and it panics when a law is broken.
pub type Target = fn(&[u8]);

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Target); 8] = [
    ("scanner", scanner),
    ("handshake_request", handshake_request),
    ("handshake_response", handshake_response),
    ("session", session),
    ("config", config),
    ("router", router),
    ("moving", moving),
    ("proxy_protocol", proxy_protocol),
];
