//! A TCP connection, and which part of making it went wrong.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context as _, anyhow, bail};
use tokio::net::{TcpStream, lookup_host};

/// Whether `place` is a host and a port, without looking the host up.
pub(crate) fn judge(place: &str) -> anyhow::Result<()> {
    match place.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
        _ => bail!("`{place}` is no HOST:PORT, such as gateway.example.com:443"),
    }
}

/// Connects to the first address of `place`, a host and a port, that takes it.
pub(crate) async fn connect(place: &str) -> anyhow::Result<TcpStream> {
    let found = lookup_host(place).await;
    let found = found.with_context(|| format!("{place} cannot be looked up"))?;
    let mut failed = None;
    for address in found {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some((address, error)),
        }
    }
    Err(unreachable(place, failed))
}

fn unreachable(place: &str, failed: Option<(SocketAddr, io::Error)>) -> anyhow::Error {
    match failed {
        None => anyhow!("{place} has no address"),
        Some((address, error)) if address.to_string() == place => {
            anyhow!("nobody can be reached at {place}: {error}")
        }
        Some((address, error)) => anyhow!("nobody can be reached at {place} ({address}): {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_and_a_port() {
        for place in ["gateway:80", "127.0.0.1:8080", "[::1]:443"] {
            judge(place).unwrap();
        }
        for place in [
            "gateway",
            "gateway:",
            ":80",
            "gateway:http",
            "gateway:65536",
        ] {
            let said = judge(place).unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("`{place}` is no HOST:PORT")),
                "{said}"
            );
        }
    }
}
