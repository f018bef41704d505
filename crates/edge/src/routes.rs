//! Which route a request takes: host, path and headers, first match wins.
//!
//! Pure functions over borrowed text, so that the router can be fuzzed, measured and explained on
//! its own. What a route does with the request is not decided here.

mod headers;
mod host;
mod path;
mod table;
mod words;

pub use host::{BadHost, Host};
pub use path::{BadPath, Captures, Path};
pub(crate) use words::words;

pub use table::{Found, Mismatch, RouteTable};
