//! swload: the load, the endpoints and the raw forwarder of the gateway benchmark.
//!
//! Everything runs on one thread with one epoll instance and shares one buffer, so that the load
//! costs less than what it measures. Not here: starting gateways, measuring their CPU and memory,
//! writing tables; that is the driver, `run`.

mod client;
mod endpoint;
mod forward;
mod frame;
mod histogram;
mod http;
mod http2;
mod net;
mod poll;
mod report;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tls::Server;

/// Load, endpoints and a raw forwarder for measuring WebSocket gateways. Results are JSON lines.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Plays the application server. The path says how: /echo, /sink, /source/BYTES
    Endpoint {
        /// Where to accept connections; port 0 lets the system choose
        #[arg(long, value_name = "ADDRESS")]
        listen: SocketAddr,
    },
    /// Forwards bytes with one read and one write: the reference, 1.00
    Forward {
        /// Where to accept connections; port 0 lets the system choose
        #[arg(long, value_name = "ADDRESS")]
        listen: SocketAddr,
        /// Where they lead
        #[arg(long, value_name = "ADDRESS")]
        to: SocketAddr,
        /// Speak TLS 1.3 to clients with the certificate in this file
        #[arg(long, value_name = "FILE", requires = "key")]
        certificate: Option<PathBuf>,
        /// The certificate's key
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Plays the clients and prints one line of results
    Client(client::Arguments),
}

fn main() -> Result<()> {
    match Arguments::parse().part {
        Part::Endpoint { listen } => endpoint::run(listen),
        Part::Forward {
            listen,
            to,
            certificate,
            key,
        } => {
            let tls = match (certificate, key) {
                (Some(certificate), Some(key)) => Some(Server::new(&certificate, &key)?),
                _ => None,
            };
            forward::run(listen, to, tls)
        }
        Part::Client(arguments) => client::run(&arguments),
    }
}
