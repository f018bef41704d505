//! Loopback addresses for servers that cannot say which port the system chose for them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// A loopback address that no other process of these tests uses (Linux has all of 127.0.0.0/8):
/// a port of 127.0.0.1 would be given to somebody else while its server is not there.
pub(crate) fn own() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 64 | high, middle, low))
}

/// A port that is free, and stays so while nothing listens on it.
#[track_caller]
pub(crate) fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((own(), 0)).expect("a free port");
    listener.local_addr().expect("bound")
}
