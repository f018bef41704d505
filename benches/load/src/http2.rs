//! HTTP/2 from a client's end, as far as WebSockets over it need it (RFC 9113, RFC 8441).
//!
//! What a server may do and none that is measured does (padding, pushing, a head that is continued in
//! another frame) ends the run with an error. Not here: what is said on a stream.

mod connection;
mod frame;
mod head;
mod settings;

pub(crate) use connection::Connection;

/// The name by which TLS agrees on HTTP/2 (RFC 9113 section 3.2).
pub(crate) const ALPN: &[u8] = b"h2";
