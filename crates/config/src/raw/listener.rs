//! The declaration of a listener.

use super::Timeout;
use crate::decode::At;
use crate::decode::table::table;
use crate::scalar::{Address, Count, Name};

table! {
    /// An address to accept connections on.
    Listener {
        /// Names the listener in metrics and logs.
        name: At<Name>, eg "web";
        /// Port 0 lets the system choose.
        address: At<Address>, eg "0.0.0.0:8080";
        /// Connections open at the same time, over all workers. More are refused.
        max_connections: Count<1, 10_000_000> = "200000";
        /// The head of a request must be complete this long after the connection opened, or after
        /// the request before it.
        handshake_timeout: Timeout = "10s";
    }
}
