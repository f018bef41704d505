//! Sessions over pipes, over TCP and over wires that follow a script.

mod bytes_over;
mod ending;
mod moving;
mod pings;
mod publish;
mod scripted;
mod slow;
mod timers;
mod waking;

use tokio::net::TcpStream;

use super::*;

#[test]
fn an_idle_session_is_small() {
    let size = size_of::<Relay<TcpStream, TcpStream>>();
    assert!(size <= 512, "{size} bytes");
}
